//! How a member's name may be written, and the words it is made of.

/// What senders put before a name to say that it belongs to the notification.
const PREFIXES: [&str; 10] =
    ["notification", "notif", "note", "webpush", "push", "message", "msg", "alert", "fcm", "gcm"];

/// Lower case letters and digits: `click_action`, `clickAction` and `Click-Action` are the same name.
pub(in crate::payload) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A plain name without a plural's end: `fcm_options` and `fcmOption` are the same.
pub(super) fn bare(name: &str) -> String {
    let plain = plain(name);
    plain.strip_suffix('s').filter(|one| one.len() > 2 && *one != "ap").map(str::to_owned).unwrap_or(plain)
}

/// A plain name without its prefix. A name that is nothing else has none: `message` is one of its own.
pub(super) fn without_prefix(plain: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| plain.strip_prefix(prefix)).filter(|rest| !rest.is_empty())
}

/// A name's words in lower case: `push_title`, `push-title`, `pushTitle` and `PUSHTitle` are made of `push` and `title`.
pub(in crate::payload) fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let begins = match before.filter(|before: &char| before.is_alphanumeric()) {
            None => true,
            // The last of several capitals belongs to what comes after it.
            Some(before) => {
                c.is_uppercase() && (!before.is_uppercase() || next.is_some_and(char::is_lowercase))
            }
        };
        before = Some(c);
        if !c.is_alphanumeric() {
            continue;
        }
        match words.last_mut() {
            Some(word) if !begins => word.extend(c.to_lowercase()),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    words
}

/// The words of what stands before the end of a name, which is a plain one; `None`: there is nothing before it, or it ends
/// in another way.
pub(super) fn words_before(name: &str, plain_name: &str, end: &str) -> Option<Vec<String>> {
    let start = plain_name.strip_suffix(end).filter(|start| !start.is_empty())?;
    let mut left = start.len();
    let within_start = |word: String| {
        let kept = word.get(..left.min(word.len())).filter(|kept| !kept.is_empty())?;
        left -= kept.len();
        Some(kept.to_owned())
    };
    Some(words_of(name).into_iter().map_while(within_start).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parted_however_it_is_written() {
        for name in [
            "push_click_url",
            "push-click-url",
            "pushClickUrl",
            "PushClickURL",
            "PUSH_CLICK_URL",
            "push.click url",
        ] {
            assert_eq!(words_of(name), ["push", "click", "url"], "{name}");
        }
        assert_eq!(words_of("HTMLBody"), ["html", "body"]);
        assert_eq!(words_of("whatsappMessage2"), ["whatsapp", "message2"]);
        assert_eq!(words_of("größeÄndern"), ["größe", "ändern"]);
        assert!(words_of("_-").is_empty());
    }

    #[test]
    fn what_stands_before_an_end_is_parted_also_where_the_end_is_half_a_word() {
        let before = |name: &str, end| words_before(name, &plain(name), end);
        assert_eq!(before("transactionDescription", "description"), Some(vec!["transaction".to_owned()]));
        assert_eq!(before("ctaButton_text", "text"), Some(vec!["cta".to_owned(), "button".to_owned()]));
        assert_eq!(before("buttontext", "text"), Some(vec!["button".to_owned()]));
        assert_eq!(before("emailSenderName", "sendername"), Some(vec!["email".to_owned()]));
        assert_eq!([before("text", "text"), before("textile", "text")], [None, None]);
    }

    #[test]
    fn a_prefix_alone_is_a_name() {
        assert_eq!(without_prefix("notificationtitle"), Some("title"));
        for name in ["notification", "message", "msg", "alert", "title"] {
            assert_eq!(without_prefix(name), None, "{name}");
        }
    }
}
