//! `belfry serve`: the push service.

use directories::ProjectDirs;
use push_service::{Config, PushService, StartError};
use serde_json::json;
use user_agent::api::{CommandError, ErrorCode};

use crate::args::Serve;
use crate::exit::Failure;
use crate::output::Output;
use crate::stop::Stop;

pub(crate) async fn run(serve: Serve, output: Output) -> Result<(), Failure> {
    let data = match &serve.data {
        Some(data) => data.clone(),
        None => ProjectDirs::from("", "", "belfry-push-service")
            .map(|directories| directories.data_dir().to_owned())
            .ok_or_else(|| CommandError::invalid("this system names no data folder: give --data"))?,
    };
    let (listen, public_url) = (serve.listen, serve.public_url.clone());
    let config = Config { listen, data, public_url, tls: serve.tls() };
    let mut stop = Stop::listen()?;
    let mut service = PushService::start(config).await.map_err(not_started)?;

    let result = match announce(&service, output) {
        // Whoever started it and does not listen still has a push service.
        Ok(()) | Err(Failure::OutputClosed) => tokio::select! {
            ended = service.wait() => Err(match ended {
                Ok(()) => Failure::internal("the push service has ended"),
                Err(error) => Failure::internal(format!("the push service has ended: {error}")),
            }),
            () = stop.requested() => Ok(()),
        },
        failed => failed,
    };
    tokio::select! {
        () = service.shutdown() => {}
        () = stop.requested() => tracing::warn!("stopped before every connection was closed"),
    }
    result
}

fn announce(service: &PushService, output: Output) -> Result<(), Failure> {
    let (websocket, endpoint) = (service.websocket_url().as_str(), service.endpoint_url().as_str());
    let ca = service.ca().map(|ca| ca.display().to_string());
    if output.is_json() {
        return output
            .value(&json!({ "event": "listening", "websocket": websocket, "endpoint": endpoint, "ca": ca }));
    }
    output.line(&format!("user agents connect to     {websocket}"))?;
    output.line(&format!("application servers post to {endpoint}wpush/…"))?;
    match ca {
        Some(ca) => output.line(&format!("certificate authority      {ca}")),
        None => Ok(()),
    }
}

fn not_started(error: StartError) -> Failure {
    let code = match &error {
        StartError::Data { .. } | StartError::Store(_) => ErrorCode::Storage,
        StartError::InUse(_) | StartError::Bind { .. } | StartError::PublicUrl(_) | StartError::Tls(_) => {
            ErrorCode::Invalid
        }
    };
    CommandError::new(code, error.to_string()).into()
}
