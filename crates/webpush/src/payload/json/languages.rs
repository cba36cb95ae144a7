//! One text in several languages, as objects of translations or as members side by side. English is preferred: what a person
//! reads is not known here, and senders of several languages seldom leave it out.

use serde_json::{Map, Value};

/// Those that members are named after (`title_de`), without the ones that are English words or common ends of names: `id`,
/// `no`, `to`, `is`, `in`.
const LANGUAGES: [&str; 38] = [
    "en", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he", "hi", "hr",
    "hu", "it", "ja", "ko", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th",
    "tr", "uk", "vi", "zh",
];

/// One of an object's members, where each is a text called after its language.
pub(super) fn translation(translations: &Map<String, Value>) -> Option<&Value> {
    preferred(translations).map(|(_, text)| text).filter(|_| translations.values().all(Value::is_string))
}

/// The name of the one to read, where every member is an object called after its language.
pub(super) fn chosen_object(members: &Map<String, Value>) -> Option<&str> {
    let is_known = |name: &String| LANGUAGES.contains(&primary(name).as_str());
    let all_are = members.iter().all(|(name, value)| is_known(name) && value.is_object());
    preferred(members).map(|(name, _)| name.as_str()).filter(|_| all_are)
}

/// Whether an object says of itself that it is in English.
pub(super) fn says_english(object: &Map<String, Value>) -> bool {
    let language = ["lang", "language", "locale"].iter().find_map(|name| object.get(*name)?.as_str());
    language.is_some_and(|language| primary(language) == "en")
}

/// English, or the first, where every member is called after a language.
fn preferred(members: &Map<String, Value>) -> Option<(&String, &Value)> {
    if !members.keys().all(|name| is_language(name)) {
        return None;
    }
    let english = || members.iter().find(|(name, _)| primary(name) == "en");
    members.get_key_value("en").or_else(english).or_else(|| members.iter().next())
}

fn is_language(name: &str) -> bool {
    (2..=3).contains(&primary(name).len()) && name.len() <= 11
}

fn primary(name: &str) -> String {
    name.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// What a member would be called if there were no other languages, where it is the one to read: `title_en`, or the first of
/// several others.
pub(super) fn chosen_member<'n>(name: &'n str, members: &Map<String, Value>) -> Option<&'n str> {
    let (stem, language) = split(name)?;
    if language == "en" {
        return Some(stem);
    }
    let mut siblings =
        members.keys().filter_map(|other| Some((other, split(other).filter(|(other, _)| *other == stem)?.1)));
    let (first, _) = siblings.next().filter(|(_, language)| language != "en")?;
    let mut others = siblings.peekable();
    let alone = others.peek().is_none();
    (first == name && !alone && others.all(|(_, language)| language != "en")).then_some(stem)
}

/// `title_en`, `title-en-GB`, `titleEn`: `title` and `en`.
fn split(name: &str) -> Option<(&str, String)> {
    let known = |language: &str| {
        let language = language.to_ascii_lowercase();
        LANGUAGES.contains(&language.as_str()).then_some(language)
    };
    if let Some((stem, last)) = name.rsplit_once(['_', '-', '.']) {
        let is_region = last.len() == 2 && last.chars().all(|c| c.is_ascii_uppercase());
        let by_region = || {
            let (stem, language) = stem.rsplit_once(['_', '-', '.'])?;
            Some((stem, known(language)?))
        };
        let found = by_region().filter(|_| is_region).or_else(|| Some((stem, known(last)?)));
        return found.filter(|(stem, _)| !stem.is_empty());
    }
    let (stem, last) = name.split_at_checked(name.len().checked_sub(2)?)?;
    let is_word = last.starts_with(|c: char| c.is_ascii_uppercase())
        && last.ends_with(|c: char| c.is_ascii_lowercase())
        && stem.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    Some((stem, known(last).filter(|_| is_word)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_language_at_its_end_is_told_from_others() {
        for (name, stem, language) in [
            ("title_en", "title", "en"),
            ("title-en-GB", "title", "en"),
            ("title_zh_CN", "title", "zh"),
            ("bodyDe", "body", "de"),
        ] {
            assert_eq!(split(name), Some((stem, language.to_owned())), "{name}");
        }
        for name in ["message_id", "sent_to", "url", "en", "_en", "open", "broken", "é"] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn english_is_read_or_else_the_first_of_several() {
        let chosen_of = |names: &[&str]| {
            let members = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
            names
                .iter()
                .filter(|name| chosen_member(name, &members).is_some())
                .map(|name| (*name).to_owned())
                .collect()
        };
        assert_eq!(chosen_of(&["title_ar", "title_en"]), ["title_en"]);
        assert_eq!(chosen_of(&["title_en"]), ["title_en"]);
        assert_eq!(chosen_of(&["title_de", "title_fr"]), ["title_de"]);
        let none: Vec<String> = chosen_of(&["title_de", "url_fr"]);
        assert!(none.is_empty());
    }
}
