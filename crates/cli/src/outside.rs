//! Doors for the fuzz targets: what a person hands to a command, as bytes, to the code that reads it.
//!
//! Not for anybody else: what stands here may change at any time.

/// A file of requests, as `run` reads it. A line that is a request, written again, is the same request.
pub fn request_file(bytes: &[u8]) {
    crate::run::read_all(bytes);
}

/// Members of a set, elements of a list, and the file in which a session is kept, as `cart` reads them.
pub fn cart(bytes: &[u8]) {
    crate::cart::read_all(bytes);
}
