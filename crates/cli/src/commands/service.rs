//! `belfry service …`: push services.

use push_service::local::{self, Local};
use user_agent::api::{CommandError, PushService, Request, Response};
use user_agent::config::{Mode, PushServiceName, PushServiceUrl};

use super::{ask, mixed_up, push_service_at};
use crate::args::{Global, ServiceCommand};
use crate::exit::Failure;
use crate::output::{Output, plain, table};

pub(crate) async fn run(global: &Global, command: ServiceCommand, output: Output) -> Result<(), Failure> {
    let request = match command {
        ServiceCommand::List => Request::ListPushServices,
        ServiceCommand::Add { url } => Request::AddPushService { url: push_service_at(url).await? },
        ServiceCommand::Remove { url } => Request::RemovePushService { url: known(url)? },
    };
    let removed = request.removed_push_service().cloned();
    let Response::PushServices(services) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    if let Some(url) = removed {
        local::release(url.url()).await;
    }
    if output.is_json() {
        return services.iter().try_for_each(|service| output.value(service));
    }
    let rows: Vec<_> = services.iter().map(row).collect();
    output.line(&table(["PUSH SERVICE", "", "SITES", "STATE"], &rows))
}

/// Where a push service is, or was: the local one is not started to be removed.
fn known(name: PushServiceName) -> Result<PushServiceUrl, Failure> {
    match name {
        PushServiceName::Url(url) => Ok(url),
        PushServiceName::Local => match Local::of_this_user()?.url()? {
            Some(url) => Ok(String::from(url).parse()?),
            None => Err(CommandError::invalid("there is no local push service").into()),
        },
    }
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
