//! What senders call the parts of a notification, as plain names (see [`super::names::plain`]), the most telling first.

pub(super) const TITLE: &[&str] =
    &["title", "subject", "heading", "headings", "headline", "summary", "header", "head", "titletext"];

/// With a word of the sender's before it, where nothing is called a title: `plainTextSubject`.
pub(super) const TITLE_END: &[&str] = &["title", "subject", "heading", "headline"];

/// The same for a text.
pub(super) const BODY_END: &[&str] = &[
    "body", "message", "text", "content", "description", "excerpt", "preview", "snippet", "summary", "subject", "headline",
    "title",
];

/// Whoever wrote or did it.
pub(super) const SENDER: &[&str] = &[
    "sendername", "senderdisplayname", "fromname", "authorname", "username", "displayname", "author", "sender",
    "from",
];

/// With a word of the sender's before it: `emailSender`.
pub(super) const SENDER_END: &[&str] = &["sendername", "sender", "authorname", "author", "fromname"];

/// Where it was said.
pub(super) const ROOM: &[&str] = &["roomname", "channelname", "groupname", "chatname", "conversationname"];

/// What else it may be from, believed only beside a text, where nothing is called a title.
pub(super) const SOURCE: &[&str] = &[
    "channel", "topic", "appname", "app", "application", "source", "service", "project", "repository", "sitename",
    "site", "name",
];

/// What a person or a thing is called, in an object of its own.
pub(super) const OWN_NAME: &[&str] =
    &["displayname", "fullname", "name", "username", "login", "handle", "nickname", "title"];

pub(super) const BODY: &[&str] = &[
    "body", "message", "text", "content", "contents", "description", "alert", "msg", "bodytext", "contenttext", "details",
    "detail", "excerpt", "snippet", "preview", "notification", "notif", "subtitle", "summary", "subject", "caption",
    "comment", "plaintext", "reason",
];

/// Whatever relative link they hold. Dotted: in an object of that name.
pub(super) const LINK: &[&str] = &[
    "navigate", "defaultactionurl", "url", "data.link", "data.url", "click", "clickaction", "link", "actionurl", "clickurl",
    "launchurl", "openurl", "targeturl", "linkurl", "weburl", "deeplink", "deeplinkurl", "redirecturl", "landingurl",
    "landingpage", "pageurl", "ctaurl", "actionlink", "targetlink", "permalink", "htmlurl", "externalurl",
    "data.path", "href", "uri",
];

/// Only where they hold what can be nothing else than a link or a path.
pub(super) const PATH: &[&str] = &[
    "path", "route", "page", "target", "destination", "location", "redirect", "redirectto", "goto", "open", "onclick",
    "action", "actions", "screen", "view", "data", "webpage", "website", "u", "sourceurl",
];

pub(super) const IMAGE: &[&str] = &[
    "image", "imageurl", "img", "imgurl", "picture", "pictureurl", "bigpicture", "photo", "photourl", "attachment",
    "attachmenturl", "attachments", "thumbnail", "thumbnailurl", "thumb", "cover", "coverimage", "banner", "hero",
    "heroimage", "poster", "mediaurl", "media", "bigimage", "largeimage",
];

/// Who it is from before what it is from: the application has the same icon every time.
pub(super) const ICON: &[&str] = &[
    "icon", "avatar", "avatarurl", "senderavatar", "profileimage", "profilepicture", "iconurl", "logo", "logourl",
    "appicon", "largeicon", "smallicon", "picture", "badge",
];

/// With a word of the sender's before it: `postImage`, `memberAvatarUrl`.
pub(super) const IMAGE_END: &[&str] = &["image", "imageurl", "photo", "photourl", "thumbnail", "thumbnailurl"];
pub(super) const ICON_END: &[&str] = &["avatar", "avatarurl"];

/// Words within a name that make it the address of something else than a page.
pub(super) const NO_PAGE: &[&str] = &[
    "icon", "image", "img", "avatar", "logo", "badge", "photo", "picture", "thumb", "banner", "cover", "poster", "media",
    "sound", "audio", "video", "file", "attachment", "base", "api", "callback", "hook", "endpoint", "unsubscribe", "track",
    "report", "dismiss", "subscription", "button", "cta",
];

/// Words before a text's name that make it the text of something else.
pub(super) const NO_TEXT: &[&str] =
    &["button", "cta", "action", "link", "url", "alt", "icon", "image", "img", "label", "placeholder", "site", "app"];

/// The same, also within words (`accesstoken`, `encrypted`): rather no text than one that is for nobody's eyes.
pub(super) const NOBODYS_TEXT: &[&str] = &["token", "secret", "password", "cipher", "encrypt"];

/// Within an object that stands for a link or a picture.
pub(super) const ADDRESS: &[&str] = &["url", "href", "src", "uri", "link", "web", "default", "navigate"];

/// What a link to the page for people is to the subject, among those of an interface: `self` is what a program reads.
pub(super) const PAGE: &[&str] = &["html", "web", "webui", "page", "alternate", "canonical"];

pub(super) const TAG: &[&str] =
    &["tag", "nid", "notificationid", "roomid", "id", "chanid", "channelid", "chatid", "conversationid"];

pub(super) const BADGE: &[&str] = &["appbadge", "badgecount", "unreadcount", "unread", "badge"];

pub(super) const TIME: &[&str] =
    &["timestamp", "time", "ts", "sentat", "senttime", "createdat", "date", "datetime", "when", "occurredat"];

pub(super) const ACTIONS: &[&str] = &["actions", "buttons", "actionbuttons", "ctas", "links", "o"];
/// Those that may be an object, each button under its own name. `links` is where HAL has an interface's.
pub(super) const ACTIONS_BY_NAME: &[&str] = &["actions", "buttons", "actionbuttons"];
pub(super) const ACTION_LABEL: &[&str] = &["title", "label", "text", "caption", "name", "n"];
pub(super) const ACTION_NAME: &[&str] = &["action", "id", "identifier", "key", "name", "value", "i"];
pub(super) const ACTION_ICON: &[&str] = &["icon", "iconurl", "image", "p"];
pub(super) const ACTION_LINK: &[&str] =
    &["navigate", "url", "link", "href", "uri", "actionurl", "clickurl", "launchurl", "openurl", "path", "target", "u"];

/// What the name and the link of a single button begin with where they are no object, and what they end with.
pub(super) const BUTTONS: &[&str] = &["action", "button", "cta", "action1", "action2", "button1", "button2"];
pub(super) const BUTTON_LABEL: &[&str] = &["title", "text", "label", "urltitle", "urltext", "linktext"];
pub(super) const BUTTON_LINK: &[&str] = &["url", "link", "href"];
