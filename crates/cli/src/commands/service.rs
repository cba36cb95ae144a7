//! `belfry service …`: push services.

use user_agent::api::{PushService, Request, Response};
use user_agent::config::Mode;

use super::{ask, mixed_up, push_service_at};
use crate::args::{Global, ServiceCommand};
use crate::exit::Failure;
use crate::output::{Output, plain, table};

pub(crate) async fn run(global: &Global, command: ServiceCommand, output: Output) -> Result<(), Failure> {
    let request = match command {
        ServiceCommand::List => Request::ListPushServices,
        ServiceCommand::Add { url } => Request::AddPushService { url: push_service_at(url).await? },
        ServiceCommand::Remove { url } => Request::RemovePushService { url: push_service_at(url).await? },
    };
    let Response::PushServices(services) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    if output.is_json() {
        return services.iter().try_for_each(|service| output.value(service));
    }
    let rows: Vec<_> = services.iter().map(row).collect();
    output.line(&table(["PUSH SERVICE", "", "SITES", "STATE"], &rows))
}

fn row(service: &PushService) -> [String; 4] {
    let state = match (&service.reason, service.connected) {
        (_, true) => "connected".to_owned(),
        (Some(reason), false) => plain(reason),
        (None, false) => "not in use now".to_owned(),
    };
    let default = if service.default { "default" } else { "" };
    [service.url.to_string(), default.to_owned(), plain(&service.sites.join(", ")), state]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_listed_with_what_keeps_it_from_working() {
        let service = PushService {
            url: "mozilla".parse().unwrap(),
            default: true,
            sites: vec!["Backups".into(), "Mail".into()],
            connected: false,
            reason: Some("no route".into()),
        };
        assert_eq!(
            row(&service),
            ["wss://push.services.mozilla.com/", "default", "Backups, Mail", "no route"].map(str::to_owned)
        );
    }
}
