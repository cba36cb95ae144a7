//! The pages as HTML. Whatever comes from outside goes through [`escape`].

use std::fmt::Write as _;

use webpush::ApplicationServerKey;

use crate::sender::Outcome;
use crate::store::Subscriber;

/// The site's one page.
pub(crate) fn index(public_key: &ApplicationServerKey, subscribers: &[Subscriber]) -> String {
    let mut list = String::new();
    for subscriber in subscribers {
        let _ = write!(
            list,
            r#"<li><span>{}</span><form method="post" action="/subscriptions/remove"><input type="hidden" name="id" value="{}"><button class="plain" aria-label="Remove {0}">Remove</button></form></li>"#,
            escape(&describe(subscriber)),
            subscriber.id,
        );
    }
    let subscribers = if list.is_empty() {
        r#"<p class="hint">Nobody yet. Subscribe this browser, or paste a subscription from Belfry.</p>"#
            .to_owned()
    } else {
        format!("<ul>{list}</ul>")
    };
    // The list goes in last: what it holds is not looked through for the key's place.
    let page = include_str!("assets/page.html").replace("{public-key}", &public_key.to_string());
    let (before, after) = page.split_once("{subscribers}").unwrap_or((&page, ""));
    document(&format!("{before}{subscribers}{after}"))
}

/// What became of a message, subscriber by subscriber.
pub(crate) fn results(results: &[(&Subscriber, &Outcome)]) -> String {
    let mut list = String::new();
    for (subscriber, outcome) in results {
        let (class, text) = match outcome {
            Outcome::Accepted(status) => ("good", format!("Accepted ({})", status.as_u16())),
            Outcome::Gone(status) => ("bad", format!("Has ended ({}): removed", status.as_u16())),
            Outcome::Refused(status) => ("bad", format!("Refused ({status})")),
            Outcome::Failed(reason) => ("bad", format!("Failed: {reason}")),
        };
        let _ = write!(
            list,
            r#"<li><span>{}</span><span class="{class}">{}</span></li>"#,
            escape(&describe(subscriber)),
            escape(&text),
        );
    }
    let list = match list.is_empty() {
        true => r#"<p class="hint">Nobody has subscribed yet.</p>"#.to_owned(),
        false => format!(r#"<ul class="results">{list}</ul>"#),
    };
    document(&format!(r#"<h1>Sent</h1>{list}<p><a href="/">Back</a></p>"#))
}

/// Why a form was not accepted.
pub(crate) fn refusal(reason: &str) -> String {
    document(&format!(
        r#"<h1>That did not work</h1><p class="bad">{}</p><p><a href="/">Back</a></p>"#,
        escape(reason)
    ))
}

/// For text and for quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Its name and push service. The rest of an endpoint is a secret even on screen.
fn describe(subscriber: &Subscriber) -> String {
    let origin = subscriber.subscription.endpoint.origin();
    if subscriber.name.is_empty() { origin } else { format!("{} – {origin}", subscriber.name) }
}

fn document(main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Example site</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n<script src=\"/page.js\" defer></script>\n</head>\n\
         <body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::subscription;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let hostile = r#"<script>"'&</script>{subscribers}"#;
        let subscriber = Subscriber {
            id: 1,
            name: hostile.to_owned(),
            subscription: subscription("https://push.example/secret"),
        };
        let failed = Outcome::Failed(hostile.to_owned());
        let key = "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";
        for page in [
            index(&key.parse().unwrap(), std::slice::from_ref(&subscriber)),
            results(&[(&subscriber, &failed)]),
            refusal(hostile),
        ] {
            assert!(!page.contains("<script>"), "{page}");
            assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;"), "{page}");
            assert!(!page.contains("push.example/secret"), "{page}");
        }
        assert!(index(&key.parse().unwrap(), &[]).contains(key));
    }
}
