//! What a person says to a cart: one command a call, or one a line.
//!
//! Whoever calls again goes on in the same session, because it is kept in a file; so what was put a moment ago is shown also when another node answers.

use super::kept::{self, Kept};
use super::{Cart, Shape};
use crate::arguments;
use crate::exit::{Exit, Failure};
use crate::visit::{self, Place, Visit};
use crate::{data, talk};
use client::Session;
use std::io::{BufRead, IsTerminal};

const USAGE: &str = "say login NAME, put ITEM, remove ITEM, get or finalize";

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Login(String),
    Put(String),
    Remove(String),
    Get,
    Finalize,
}

/// Who says it, and to whom.
struct Shopper<'a> {
    arguments: &'a arguments::Cart,
    kept: Option<Kept>,
    cart: Option<Cart>,
}

pub(crate) fn run(arguments: &arguments::Cart) -> Result<Exit, Failure> {
    let mut shopper = Shopper { arguments, kept: kept::load(&arguments.state)?, cart: None };
    if !arguments.words.is_empty() {
        return shopper.obey(order(&arguments.words.join(" "))?);
    }
    let mut last = Ok(Exit::Done);
    let prompts = std::io::stdin().is_terminal();
    if prompts {
        talk::say(format_args!("{USAGE}; Ctrl-D ends"));
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Failure::bad_input(format!("cannot read stdin: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        last = match order(&line).and_then(|order| shopper.obey(order)) {
            Ok(exit) => Ok(exit),
            Err(mut failure) => {
                if let Some(sentence) = failure.sentence.take() {
                    talk::say(format_args!("quartet: {sentence}"));
                }
                Err(failure)
            }
        };
    }
    last
}

fn order(line: &str) -> Result<Order, Failure> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let rest = rest.trim().to_owned();
    match (word, rest.is_empty()) {
        ("login", false) => Ok(Order::Login(rest)),
        ("put", false) => Ok(Order::Put(rest)),
        ("remove", false) => Ok(Order::Remove(rest)),
        ("get", true) => Ok(Order::Get),
        ("finalize", true) => Ok(Order::Finalize),
        ("login", true) => Err(Failure::bad_input("whose cart? login NAME")),
        ("put" | "remove", true) => Err(Failure::bad_input(format!("which item? {word} ITEM"))),
        _ => Err(Failure::bad_input(format!("'{}' is no order; {USAGE}", line.trim()))),
    }
}

impl Shopper<'_> {
    fn obey(&mut self, order: Order) -> Result<Exit, Failure> {
        if let Order::Login(name) = order {
            return self.login(name);
        }
        let mut cart = match self.cart.take() {
            Some(cart) => cart,
            None => self.open()?,
        };
        let done = obeyed(&mut cart, &order);
        // Also after a failure: what was read meanwhile has been seen.
        self.remember(&cart)?;
        self.cart = Some(cart);
        done
    }

    /// Whose cart it is from now on. The session goes on if there is one: who logs in as somebody else on this machine has seen what was seen here.
    fn login(&mut self, name: String) -> Result<Exit, Failure> {
        let before = self.kept.take();
        self.kept = Some(Kept {
            name,
            list: self.arguments.list,
            token: before.as_ref().and_then(|kept| kept.token.clone()),
            newest: before.as_ref().map_or(0, |kept| kept.newest),
            nodes: before.map(|kept| kept.nodes).unwrap_or_default(),
        });
        self.cart = None;
        let cart = self.open()?;
        self.remember(&cart)?;
        self.cart = Some(cart);
        Ok(Exit::Done)
    }

    fn open(&self) -> Result<Cart, Failure> {
        let Some(kept) = &self.kept else {
            return Err(Failure::bad_input("nobody is logged in; say: quartet cart login NAME"));
        };
        let access = &self.arguments.access;
        // The addresses that are named come first; those of the last call are for when none of them answers.
        let mut known = access.at.clone();
        known.extend(kept.nodes.iter().filter(|node| !access.at.contains(node)).cloned());
        let (places, home): (Vec<Place>, usize) = visit::places_at(&known, access)?;
        let given = self.arguments.session.as_ref().and_then(Session::token);
        let visit = Visit::new(places, home, visit::random_name(), access.deadline())
            .with_password(data::options(access)?.password)
            .with_acks(self.arguments.safety.acks)
            .after(joined(kept.token.clone(), given)?);
        let shape = if self.arguments.list { Shape::List } else { kept.shape() };
        let mut cart = Cart::of(&kept.name, shape, visit);
        cart.begin_after(kept.newest);
        Ok(cart)
    }

    fn remember(&mut self, cart: &Cart) -> Result<(), Failure> {
        let kept = self.kept.as_mut().expect("somebody is logged in");
        kept.token = cart.visit().token().map(str::to_owned);
        kept.newest = cart.newest();
        kept.remember_places(cart.visit().place(), cart.visit().places());
        kept::save(&self.arguments.state, kept)
    }
}

/// Both sessions: whoever goes on from here has seen what either has. Only a node can make one token of two, so until one has answered they go out together.
fn joined(kept: Option<String>, given: Option<String>) -> Result<Option<String>, Failure> {
    let both: Vec<String> = kept.into_iter().chain(given).collect();
    if both.is_empty() {
        return Ok(None);
    }
    Ok(both.join(".").parse::<Session>()?.token())
}

fn obeyed(cart: &mut Cart, order: &Order) -> Result<Exit, Failure> {
    match order {
        Order::Login(_) => unreachable!("somebody is logged in"),
        Order::Put(item) => drop(cart.put(item)?),
        Order::Remove(item) => {
            if !cart.remove(item)? {
                return Err(Failure::new(Exit::Absent, format!("{item:?} is not in the cart")));
            }
        }
        Order::Get => {
            for entry in cart.items()? {
                talk::print(format_args!("{}  {}", entry.stamp.time, entry.item))?;
            }
        }
        Order::Finalize => cart.finalize()?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_named_joins_the_one_that_was_kept() {
        let some = |token: &str| Some(token.to_owned());
        assert_eq!(joined(None, None).unwrap(), None);
        assert_eq!(joined(some("kept"), None).unwrap(), some("kept"));
        assert_eq!(joined(None, some("given")).unwrap(), some("given"));
        assert_eq!(joined(some("kept"), some("given")).unwrap(), some("kept.given"));
        assert_eq!(joined(some("kept.given"), some("given")).unwrap(), some("kept.given"), "once is enough");
        assert!(joined(some("no token"), some("given")).is_err());
    }

    #[test]
    fn an_order_is_a_word_and_what_it_is_about() {
        let read = |line: &str| order(line).map_err(|failure| failure.sentence.unwrap());
        assert_eq!(read("login alice"), Ok(Order::Login("alice".to_owned())));
        assert_eq!(read("  put  two red apples "), Ok(Order::Put("two red apples".to_owned())));
        assert_eq!(read("remove x"), Ok(Order::Remove("x".to_owned())));
        assert_eq!(read("get"), Ok(Order::Get));
        assert_eq!(read("finalize"), Ok(Order::Finalize));
        for (line, why) in
            [("put", "which item?"), ("login", "whose cart?"), ("get it", "no order"), ("buy x", "no order")]
        {
            assert!(read(line).unwrap_err().contains(why), "{line}");
        }
    }
}
