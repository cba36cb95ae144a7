//! The HTTP side of the push service on whatever an application server may post: the endpoint's token on the first line,
//! then the headers, an empty line, and the body. The token is also read as the id of a message.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use push_service::fuzz;

const ORIGIN: &str = "https://push.example.net";
const NOW: u64 = 1_899_990_000;

fuzz_target!(|data: &[u8]| {
    let (token, mut rest) = line(data);
    let token = String::from_utf8_lossy(token);
    let mut headers = HeaderMap::new();
    for _ in 0..50 {
        let (header, after) = line(rest);
        rest = after;
        let mut parts = header.splitn(2, |&byte| byte == b':');
        let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = parts.next().and_then(|value| HeaderValue::from_bytes(value.trim_ascii()).ok());
        match (name, value) {
            (Some(name), Some(value)) => drop(headers.append(name, value)),
            _ if header.is_empty() => break,
            _ => {}
        }
    }
    fuzz::post(&token, &headers, rest.to_vec(), ORIGIN, NOW);
    fuzz::message_id(&token);
});

fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, rest) = data.split_at(end);
    (line, rest.get(1..).unwrap_or_default())
}
