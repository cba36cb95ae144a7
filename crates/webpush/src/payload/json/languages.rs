//! One text in several languages, as objects of translations or as members side by side. English is preferred: what a person
//! reads is not known here, and senders of several languages seldom leave it out.

use std::collections::HashMap;

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

/// An object's members that are called after their language, by what they would be called without it.
#[derive(Debug, Default)]
pub(super) struct SideBySide<'n>(HashMap<&'n str, Variants<'n>>);

#[derive(Debug)]
struct Variants<'n> {
    first: &'n str,
    several: bool,
    has_english: bool,
}

impl<'n> SideBySide<'n> {
    pub(super) fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut stems: HashMap<&str, Variants<'_>> = HashMap::new();
        for name in names {
            let Some((stem, language)) = split(name) else { continue };
            let is_english = language == "en";
            stems
                .entry(stem)
                .and_modify(|variants| {
                    variants.several = true;
                    variants.has_english |= is_english;
                })
                .or_insert(Variants { first: name, several: false, has_english: is_english });
        }
        Self(stems)
    }

    /// What a member would be called if there were no other languages, where it is the one to read: `title_en`, or the first
    /// of several others.
    pub(super) fn chosen(&self, name: &'n str) -> Option<&'n str> {
        let (stem, language) = split(name)?;
        let variants = self.0.get(stem)?;
        let is_chosen = match variants.has_english {
            true => language == "en",
            false => variants.several && variants.first == name,
        };
        is_chosen.then_some(stem)
    }
}

/// `title_en`, `title-en-GB`, `titleEn`: `title` and `en`.
fn split(name: &str) -> Option<(&str, &'static str)> {
    let known = |language: &str| LANGUAGES.into_iter().find(|known| language.eq_ignore_ascii_case(known));
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
            assert_eq!(split(name), Some((stem, language)), "{name}");
        }
        for name in ["message_id", "sent_to", "url", "en", "_en", "open", "broken", "é"] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn english_is_read_or_else_the_first_of_several() {
        let chosen_of = |names: &[&'static str]| -> Vec<String> {
            let side_by_side = SideBySide::of(names.iter().copied());
            let chosen = names.iter().filter(|name| side_by_side.chosen(name).is_some());
            chosen.map(|name| (*name).to_owned()).collect()
        };
        assert_eq!(chosen_of(&["title_ar", "title_en"]), ["title_en"]);
        assert_eq!(chosen_of(&["title_en"]), ["title_en"]);
        assert_eq!(chosen_of(&["title_de", "title_fr"]), ["title_de"]);
        assert!(chosen_of(&["title_de", "url_fr"]).is_empty());
    }
}
