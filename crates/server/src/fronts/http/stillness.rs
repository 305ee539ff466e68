//! Lets the HTTP thread stand still, so that a paused node answers nothing here either.
//!
//! The runtime has one thread: a task that blocks holds up all others, which is what is wanted. Answers that were handed over before are written first.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Turns that other tasks get before the thread stands still.
const LAST_TURNS: usize = 64;

/// The switch.
#[derive(Debug, Default)]
pub(super) struct Stillness {
    is_still: Mutex<bool>,
    has_changed: Condvar,
    begun: Notify,
}

/// For as long as this lives the HTTP thread stands still.
#[derive(Debug)]
pub(crate) struct Still(Arc<Stillness>);

impl Stillness {
    /// Lets the thread stand still until the answer is dropped.
    pub(super) fn begin(self: &Arc<Stillness>) -> Still {
        *self.lock() = true;
        self.begun.notify_one();
        Still(self.clone())
    }

    /// The task that blocks its thread whenever it is told.
    pub(super) async fn hold(self: Arc<Stillness>) {
        loop {
            self.begun.notified().await;
            for _ in 0..LAST_TURNS {
                tokio::task::yield_now().await;
            }
            let mut is_still = self.lock();
            while *is_still {
                is_still = self.has_changed.wait(is_still).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_still.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.has_changed.notify_all();
    }
}
