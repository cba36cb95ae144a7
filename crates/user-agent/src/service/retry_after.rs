//! How long a service that refuses the connection wants to be left alone.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// The answer's `Retry-After`: seconds or a date (RFC 9110 §10.2.3). A date is compared with the answer's own `Date` where
/// it has one, because our clock may be wrong. The session limits what comes out.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(&headers, now).map(|span| span.as_secs())
    }

    #[test]
    fn seconds_or_a_date() {
        let long = "9".repeat(40);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            (long.as_str(), Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ] {
            assert_eq!(asked(&[(RETRY_AFTER, value)]), seconds, "{value}");
        }
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_date_is_relative_to_the_answers_own() {
        let until = (RETRY_AFTER, "Fri, 27 Nov 2026 00:00:30 GMT");
        assert_eq!(asked(&[until.clone(), (DATE, "Fri, 27 Nov 2026 00:00:00 GMT")]), Some(30));
        assert!(asked(&[until, (DATE, "yesterday")]).unwrap() > 86_400);
    }
}
