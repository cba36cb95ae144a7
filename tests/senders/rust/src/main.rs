//! Sends one push with the `web-push` crate and the client it ships, as an application server in Rust would.
//!
//! Prints `sent` and ends with 0 when the push service accepted the message; otherwise says why and ends with 1.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use hyper::client::HttpConnector;
use hyper_tls::HttpsConnector;
use web_push::{
    ContentEncoding, HyperWebPushClient, SubscriptionInfo, Urgency, VapidSignatureBuilder,
    WebPushClient as _, WebPushMessageBuilder,
};

/// The crate's client never times out by itself.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Send a payload to a push subscription.
#[derive(Parser)]
struct Arguments {
    /// The subscription as JSON, as `belfry site add` prints it
    subscription: PathBuf,
    /// What to send; leave it out for a push without a payload
    payload: Option<String>,
    /// Seconds the push service may keep the message (the crate's own default: 4 weeks)
    #[arg(long)]
    ttl: Option<u32>,
    /// very-low, low, normal or high
    #[arg(long)]
    urgency: Option<String>,
    /// Replaces an undelivered message of the same topic
    #[arg(long)]
    topic: Option<String>,
    /// The application server's private key, PKCS#8 or SEC1, to sign with
    #[arg(long, value_name = "FILE")]
    vapid_pem: Option<PathBuf>,
    /// Who sends, for the signature
    #[arg(long, default_value = "mailto:admin@example.com")]
    vapid_subject: String,
    /// Encrypt for the draft of Web Push encryption instead of RFC 8291
    #[arg(long)]
    aesgcm: bool,
    /// Also trust this certificate authority (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let text = fs::read_to_string(&arguments.subscription)
        .with_context(|| format!("read {}", arguments.subscription.display()))?;
    let subscription: SubscriptionInfo = serde_json::from_str(&text).context("parse the subscription")?;

    let mut message = WebPushMessageBuilder::new(&subscription);
    if let Some(payload) = &arguments.payload {
        let encoding = if arguments.aesgcm { ContentEncoding::AesGcm } else { ContentEncoding::Aes128Gcm };
        message.set_payload(encoding, payload.as_bytes());
    }
    if let Some(ttl) = arguments.ttl {
        message.set_ttl(ttl);
    }
    if let Some(urgency) = arguments.urgency {
        let urgency: Urgency = serde_json::from_value(urgency.into()).context("parse the urgency")?;
        message.set_urgency(urgency);
    }
    if let Some(topic) = arguments.topic {
        message.set_topic(topic);
    }
    if let Some(path) = &arguments.vapid_pem {
        let key = fs::File::open(path).with_context(|| format!("read {}", path.display()))?;
        let mut signature = VapidSignatureBuilder::from_pem(key, &subscription)?;
        signature.add_claim("sub", arguments.vapid_subject);
        // The crate's own audience leaves the port out, which is right only where the port is the scheme's own.
        signature.add_claim("aud", origin(&subscription.endpoint)?);
        message.set_vapid_signature(signature.build()?);
    }

    let client = HyperWebPushClient::from(http_client(arguments.ca)?);
    let sent =
        tokio::time::timeout(TIMEOUT, client.send(message.build()?)).await.context("no answer in 30 s")?;
    // Some of the crate's errors say what happened in their Debug form only.
    sent.map_err(|error| anyhow::anyhow!("{error} ({error:?})"))?;
    println!("sent");
    Ok(())
}

fn origin(endpoint: &str) -> anyhow::Result<String> {
    let uri: hyper::Uri = endpoint.parse().context("parse the endpoint")?;
    let scheme = uri.scheme_str().context("the endpoint has no scheme")?;
    let authority = uri.authority().context("the endpoint has no host")?;
    Ok(format!("{scheme}://{authority}"))
}

fn http_client(ca: Option<PathBuf>) -> anyhow::Result<hyper::Client<HttpsConnector<HttpConnector>>> {
    let mut tls = native_tls::TlsConnector::builder();
    if let Some(path) = ca {
        let pem = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        tls.add_root_certificate(native_tls::Certificate::from_pem(&pem)?);
    }
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let connector = HttpsConnector::from((http, tls.build()?.into()));
    Ok(hyper::Client::builder().build(connector))
}
