//! This user's own push service: "This computer only".

use push_service::local::{Local, LocalError};
use user_agent::api::{CommandError, ErrorCode, Event};
use user_agent::config::{PushServiceName, PushServiceUrl};

/// Where a push service is.
pub(crate) async fn locate(name: PushServiceName) -> Result<PushServiceUrl, CommandError> {
    match name {
        PushServiceName::Local => url().await,
        PushServiceName::Url(url) => Ok(url),
    }
}

/// Where it listens, or listened last; `None` before its first start, and when other computers reach it.
pub(crate) fn known() -> Result<Option<PushServiceUrl>, CommandError> {
    // Without a folder there is none.
    let url = Local::of_this_user().map_or(Ok(None), |local| local.url()).map_err(failed)?;
    let url = url.map(|url| String::from(url).parse::<PushServiceUrl>()).transpose()?;
    Ok(url.filter(PushServiceUrl::is_loopback))
}

/// Where it listens; it runs when this returns.
pub(crate) async fn url() -> Result<PushServiceUrl, CommandError> {
    let url = async { Local::of_this_user()?.ensure().await }.await.map_err(failed)?;
    String::from(url).parse()
}

/// Starts it again when this is the news that it has gone: it does not come back by itself, and the receiver is who needs it.
pub(crate) async fn revive_after(event: &Event) {
    if let Event::Disconnected { push_service, .. } = event
        && push_service.is_loopback()
    {
        push_service::local::revive(push_service.url()).await;
    }
}

fn failed(error: LocalError) -> CommandError {
    CommandError::new(ErrorCode::Offline, error.to_string())
}
