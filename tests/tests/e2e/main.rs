//! What a user sees, end to end: the built programs, real senders, a real keyring, and a desktop that records.

mod at_rest;
mod clicks;
mod command_line;
mod connection;
mod crash_points;
mod desktop;
mod example_site;
mod faults;
mod firefox;
mod harness;
mod inbox;
mod keyring;
mod local_push_service;
mod notifications;
mod offline;
mod pairing;
mod permissions;
mod profile;
mod push_service;
mod push_services;
mod senders;
mod sites;
mod soak;
mod storage;
mod tray;
mod window;
