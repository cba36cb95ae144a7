//! `belfry dnd`: silence for every site.

use jiff::ZonedDateTime;
use serde_json::json;
use user_agent::api::{CommandError, DoNotDisturb, Request, Response, rfc3339};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::{Global, until};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn run(global: &Global, state: Option<&str>, output: Output) -> Result<(), Failure> {
    let request = match state {
        Some(state) => Request::SetDoNotDisturb { value: silence(state, &ZonedDateTime::now())? },
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

fn silence(state: &str, now: &ZonedDateTime) -> Result<DoNotDisturb, CommandError> {
    Ok(match state {
        "on" => DoNotDisturb::On,
        "off" => DoNotDisturb::Off,
        lasting => DoNotDisturb::Until(until(lasting, now)?),
    })
}
