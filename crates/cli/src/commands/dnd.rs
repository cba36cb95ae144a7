//! `belfry dnd`: silence for every site.

use serde_json::json;
use user_agent::api::{DoNotDisturb, Request, Response, rfc3339};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::{Global, Silence};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn run(global: &Global, state: Option<Silence>, output: Output) -> Result<(), Failure> {
    let request = match state {
        Some(Silence(value)) => Request::SetDoNotDisturb { value },
        None => Request::Status,
    };
    let Response::Status(status) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    output.print(&json!({ "do_not_disturb": status.do_not_disturb, "quiet": status.quiet }), || match status
        .do_not_disturb
    {
        DoNotDisturb::Off if status.quiet => "Do not disturb, by the schedule.".into(),
        DoNotDisturb::Off => "Notifications are shown.".into(),
        DoNotDisturb::On => "Do not disturb, until `belfry dnd off`.".into(),
        DoNotDisturb::Until(end) => format!("Do not disturb until {}.", rfc3339::format(end)),
    })
}
