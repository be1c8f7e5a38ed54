//! Conversations between the eras, with a gateway that the tests speak for.

#![cfg(test)]

mod gateway;
mod session_client;
mod stateless_client;
