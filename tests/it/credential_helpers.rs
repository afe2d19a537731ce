//! Git, docker and the SDKs of AWS are given credentials in their own words, and nobody else is given any.

mod aws;
mod docker;
mod git;
mod protected_server;
