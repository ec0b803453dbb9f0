//! What people read, in their language. The English text is the key; a text that the table does not
//! have is shown in English.

use http::header::ACCEPT_LANGUAGE;
use http::{HeaderMap, header::HeaderValue};

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Language {
    #[default]
    English,
    German,
}

impl Language {
    /// The first of the languages that the browser would rather have (RFC 9110 section 12.5.4).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(ACCEPT_LANGUAGE).map(HeaderValue::to_str);
        let Some(Ok(asked)) = asked else { return Self::default() };
        let ranges = asked.split(',').take(RANGES_MAX).filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let primary = parts.next()?.split('-').next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(Some(1.0), |text| text.parse::<f32>().ok())?;
            let language = match primary {
                "*" => Self::English,
                primary => Self::parse(primary)?,
            };
            (quality > 0.0).then_some((language, quality))
        });
        // Of equals, the first.
        let best = ranges.reduce(|best, one| if one.1 > best.1 { one } else { best });
        best.map_or_else(Self::default, |(language, _)| language)
    }

    /// The first that there is of those that an application names (`ui_locales`, OpenID Connect Core
    /// section 3.1.2.1).
    pub(crate) fn named(tags: &str) -> Option<Self> {
        let primaries = tags.split(' ').take(RANGES_MAX).filter_map(|tag| tag.split('-').next());
        primaries.into_iter().find_map(Self::parse)
    }

    fn parse(primary: &str) -> Option<Self> {
        [Self::English, Self::German]
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// For `lang` and `Content-Language`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Of its tag.
    pub(crate) fn tagged(tag: &str) -> Self {
        if tag == Self::German.tag() { Self::German } else { Self::English }
    }

    /// A text in this language.
    pub(crate) fn say(self, english: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::German => {
                let found = GERMAN.iter().find(|(known, _)| *known == english);
                found.map_or(english, |(_, german)| german)
            }
        }
    }
}

const RANGES_MAX: usize = 16;

const GERMAN: &[(&str, &str)] = &[
    ("Sign in", "Anmelden"),
    ("Sign out", "Abmelden"),
    ("Name", "Name"),
    ("Password", "Passwort"),
    ("You are signed in as", "Sie sind angemeldet als"),
    ("Connect a device", "Gerät verbinden"),
    ("The code that your device shows", "Der Code, den Ihr Gerät zeigt"),
    ("Continue", "Weiter"),
    ("This application asks to act for you:", "Diese Anwendung möchte für Sie handeln:"),
    ("Its device shows this code:", "Das Gerät zeigt diesen Code:"),
    ("It asks for:", "Sie fragt nach:"),
    (
        "Only go on if you started this yourself and have the device in front of you.",
        "Machen Sie nur weiter, wenn Sie das selbst begonnen haben und das Gerät vor Ihnen steht.",
    ),
    ("Allow", "Erlauben"),
    ("Refuse", "Ablehnen"),
    ("The device is connected.", "Das Gerät ist verbunden."),
    ("The device was refused.", "Das Gerät wurde abgelehnt."),
    (
        "There is no such code, or its time is over.",
        "Diesen Code gibt es nicht, oder seine Zeit ist um.",
    ),
    (
        "This request is over. Go back to the application and begin again.",
        "Diese Anfrage gilt nicht mehr. Gehen Sie zurück zur Anwendung und beginnen Sie neu.",
    ),
    ("You are signed out.", "Sie sind abgemeldet."),
    ("Name or password is wrong.", "Name oder Passwort ist falsch."),
    (
        "Too many attempts. Wait a moment, then try again.",
        "Zu viele Versuche. Warten Sie einen Moment und versuchen Sie es dann noch einmal.",
    ),
    (
        "This page needs a recent sign-in. Please sign in again.",
        "Diese Seite verlangt eine Anmeldung, die nicht lange her ist. Bitte melden Sie sich noch einmal an.",
    ),
    (
        "This page needs a second factor. Please sign in with it.",
        "Diese Seite verlangt einen zweiten Faktor. Bitte melden Sie sich damit an.",
    ),
    (
        "The page was open for too long. Please try again.",
        "Die Seite war zu lange offen. Bitte versuchen Sie es noch einmal.",
    ),
    (
        "The sign-in took too long. Please start again.",
        "Die Anmeldung hat zu lange gedauert. Bitte beginnen Sie von vorn.",
    ),
    ("One more step", "Noch ein Schritt"),
    (
        "Code of your authenticator app, or a recovery code",
        "Code Ihrer Authenticator-App oder ein Wiederherstellungscode",
    ),
    ("The code is wrong or was used before.", "Der Code ist falsch oder wurde schon benutzt."),
    ("No such page.", "Diese Seite gibt es nicht."),
    ("The request is malformed.", "Die Anfrage ist fehlerhaft."),
    ("Malformed cookie.", "Ein Cookie ist fehlerhaft."),
    ("This form came from another site.", "Dieses Formular kam von einer anderen Website."),
    ("This application is not registered here.", "Diese Anwendung ist hier nicht registriert."),
    (
        "The application asked to send you to an address that is not its own.",
        "Die Anwendung wollte Sie an eine Adresse senden, die nicht ihre eigene ist.",
    ),
    ("This application asks to sign you out:", "Diese Anwendung möchte Sie abmelden:"),
    (
        "The application sent a proof of your sign-in that does not hold.",
        "Die Anwendung hat einen Nachweis Ihrer Anmeldung gesandt, der nicht gilt.",
    ),
    ("May this application act for you?", "Darf diese Anwendung für Sie handeln?"),
    ("know who you are", "wissen, wer Sie sind"),
    ("see your name and your roles", "Ihren Namen und Ihre Rollen sehen"),
    ("see your e-mail address", "Ihre E-Mail-Adresse sehen"),
    ("act for you while you are away", "für Sie handeln, während Sie nicht da sind"),
    (
        "You can take it back on the page of your account.",
        "Sie können das auf der Seite Ihres Kontos zurücknehmen.",
    ),
    ("Applications that may act for you", "Anwendungen, die für Sie handeln dürfen"),
    ("Take back", "Zurücknehmen"),
    (
        "The application may not act for you any more.",
        "Die Anwendung darf nicht mehr für Sie handeln.",
    ),
    ("Your account", "Ihr Konto"),
    (
        "One of your roles counts only with a second factor. Set one up below, or sign in with it.",
        "Eine Ihrer Rollen gilt nur mit einem zweiten Faktor. Richten Sie unten einen ein, oder \
         melden Sie sich damit an.",
    ),
    ("Where you are signed in", "Wo Sie angemeldet sind"),
    ("Signed in", "Angemeldet"),
    ("Last used", "Zuletzt benutzt"),
    ("From", "Von"),
    ("With", "Mit"),
    ("this session", "diese Sitzung"),
    ("an unknown program", "einem unbekannten Programm"),
    ("End", "Beenden"),
    ("End all others", "Alle anderen beenden"),
    ("Change the password", "Passwort ändern"),
    ("Current password", "Derzeitiges Passwort"),
    ("New password", "Neues Passwort"),
    ("New password again", "Neues Passwort, noch einmal"),
    (
        "Your other sessions and all applications are signed out then.",
        "Ihre anderen Sitzungen und alle Anwendungen werden dann abgemeldet.",
    ),
    ("The password is changed.", "Das Passwort ist geändert."),
    ("The current password is wrong.", "Das derzeitige Passwort ist falsch."),
    ("The two new passwords are not the same.", "Die beiden neuen Passwörter sind nicht gleich."),
    (
        "The new password is too short, too common, or contains your name.",
        "Das neue Passwort ist zu kurz, zu verbreitet oder enthält Ihren Namen.",
    ),
    ("Second factor", "Zweiter Faktor"),
    ("Authenticator app, since", "Authenticator-App, seit"),
    ("Recovery codes left:", "Verbleibende Wiederherstellungscodes:"),
    ("You have no second factor.", "Sie haben keinen zweiten Faktor."),
    ("Set up an authenticator app", "Authenticator-App einrichten"),
    ("Remove the authenticator app", "Authenticator-App entfernen"),
    ("New recovery codes", "Neue Wiederherstellungscodes"),
    (
        "Scan this with your authenticator app, or type the secret. Then give the code that it shows.",
        "Scannen Sie dies mit Ihrer Authenticator-App, oder geben Sie das Geheimnis ein. Geben Sie \
         dann den Code an, den sie zeigt.",
    ),
    ("Secret", "Geheimnis"),
    ("Open in an app on this device", "In einer App auf diesem Gerät öffnen"),
    ("Code", "Code"),
    ("Confirm", "Bestätigen"),
    ("Back", "Zurück"),
    ("Your recovery codes", "Ihre Wiederherstellungscodes"),
    (
        "Each signs you in once in place of the second factor. They are shown only now: keep them \
         where nobody else looks. Older ones are worth nothing any more.",
        "Jeder meldet Sie einmal anstelle des zweiten Faktors an. Sie werden nur jetzt gezeigt: \
         bewahren Sie sie auf, wo niemand sonst nachsieht. Ältere gelten nicht mehr.",
    ),
    ("The session has ended.", "Die Sitzung ist beendet."),
    ("The other sessions have ended.", "Die anderen Sitzungen sind beendet."),
    ("The authenticator app is removed.", "Die Authenticator-App ist entfernt."),
    ("Sign in with a passkey", "Mit einem Passkey anmelden"),
    ("The passkey was not accepted.", "Der Passkey wurde nicht angenommen."),
    (
        "The passkey was not accepted. Please try again.",
        "Der Passkey wurde nicht angenommen. Bitte versuchen Sie es noch einmal.",
    ),
    (
        "The browser gave no passkey. Try again, or go another way.",
        "Der Browser gab keinen Passkey. Versuchen Sie es noch einmal, oder gehen Sie einen anderen Weg.",
    ),
    ("Passkeys", "Passkeys"),
    ("You have no passkey.", "Sie haben keinen Passkey."),
    ("Since", "Seit"),
    ("Another name", "Anderer Name"),
    ("Rename", "Umbenennen"),
    ("Add a passkey", "Passkey hinzufügen"),
    ("Remove the passkey", "Passkey entfernen"),
    (
        "A passkey is kept by this device, a phone, or a security key. It signs you in without a \
         password, and only here.",
        "Einen Passkey verwahrt dieses Gerät, ein Telefon oder ein Sicherheitsschlüssel. Er meldet Sie \
         ohne Passwort an, und nur hier.",
    ),
    (
        "Your browser makes no passkeys, or does not run the script that asks for one.",
        "Ihr Browser macht keine Passkeys oder führt das Skript nicht aus, das danach fragt.",
    ),
    ("What you want to call it", "Wie Sie ihn nennen möchten"),
    ("The passkey is added.", "Der Passkey ist hinzugefügt."),
    ("The passkey is removed.", "Der Passkey ist entfernt."),
    (
        "Passkeys need a name for this server, and it has an address only.",
        "Passkeys brauchen einen Namen dieses Servers, und er hat nur eine Adresse.",
    ),
    ("Forgot your password?", "Passwort vergessen?"),
    ("A new password", "Ein neues Passwort"),
    ("E-mail address", "E-Mail-Adresse"),
    ("Send me a link", "Link zusenden"),
    (
        "If an account has this address, a link to choose a new password is on its way to it.",
        "Wenn ein Konto diese Adresse hat, ist ein Link für ein neues Passwort dorthin unterwegs.",
    ),
    (
        "This link was used already, or its time is over.",
        "Dieser Link wurde schon benutzt, oder seine Zeit ist um.",
    ),
    ("Set the password", "Passwort setzen"),
    (
        "The password is set. You can sign in now.",
        "Das Passwort ist gesetzt. Sie können sich jetzt anmelden.",
    ),
    ("Welcome", "Willkommen"),
    ("Choose the password of your account:", "Wählen Sie das Passwort Ihres Kontos:"),
    ("Confirm your address", "Bestätigen Sie Ihre Adresse"),
    ("Is this address yours?", "Ist diese Adresse Ihre?"),
    ("Your address is confirmed.", "Ihre Adresse ist bestätigt."),
    ("This address cannot be used.", "Diese Adresse kann nicht verwendet werden."),
    (
        "A link to confirm the address is on its way to it.",
        "Ein Link zur Bestätigung ist unterwegs an die Adresse.",
    ),
    ("That is no e-mail address.", "Das ist keine E-Mail-Adresse."),
    ("You have no e-mail address.", "Sie haben keine E-Mail-Adresse."),
    ("not confirmed yet", "noch nicht bestätigt"),
    ("Change the address", "Adresse ändern"),
    (
        "An account was made for you. Open this link to choose its password:",
        "Für Sie wurde ein Konto angelegt. Öffnen Sie diesen Link, um sein Passwort zu wählen:",
    ),
    ("Your new account", "Ihr neues Konto"),
    (
        "Somebody, probably you, asked for a new password. Open this link to choose it:",
        "Jemand, wahrscheinlich Sie, hat um ein neues Passwort gebeten. Öffnen Sie diesen Link, um \
         es zu wählen:",
    ),
    (
        "If it was not you, do nothing: your password stays as it is.",
        "Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.",
    ),
    (
        "Open this link and sign in to confirm that this address is yours:",
        "Öffnen Sie diesen Link und melden Sie sich an, um zu bestätigen, dass diese Adresse Ihre ist:",
    ),
    (
        "If you do not know of this account, do nothing.",
        "Wenn Sie dieses Konto nicht kennen, tun Sie nichts.",
    ),
    (
        "Messages about your account go to another address from now on:",
        "Nachrichten zu Ihrem Konto gehen von jetzt an an eine andere Adresse:",
    ),
    (
        "If it was not you, tell whoever runs this service at once.",
        "Wenn Sie es nicht waren, sagen Sie es sofort denen, die diesen Dienst betreiben.",
    ),
    ("Your address was changed", "Ihre Adresse wurde geändert"),
    (
        "The password of your account was changed, and all its sessions have ended.",
        "Das Passwort Ihres Kontos wurde geändert, und alle seine Sitzungen sind beendet.",
    ),
    ("Your password was changed", "Ihr Passwort wurde geändert"),
    ("Your login name:", "Ihr Anmeldename:"),
    ("minutes", "Minuten"),
    ("hours", "Stunden"),
    ("The link works once, for", "Der Link gilt einmal, für"),
    ("Sign in with", "Anmelden mit"),
    ("Your account is linked since", "Ihr Konto ist verbunden seit"),
    ("Your account was linked", "Ihr Konto wurde verbunden"),
    ("Your account is no longer linked", "Ihr Konto ist nicht mehr verbunden"),
    (
        "Somebody can sign in to your account by another service from now on.",
        "Von jetzt an kann sich jemand über einen anderen Dienst an Ihrem Konto anmelden.",
    ),
    (
        "Nobody can sign in to your account by another service any more.",
        "Niemand kann sich mehr über einen anderen Dienst an Ihrem Konto anmelden.",
    ),
    ("Link your account", "Konto verbinden"),
    ("Take the link away", "Verbindung lösen"),
    (
        "The link is taken away, and the other sessions have ended.",
        "Die Verbindung ist gelöst, und die anderen Sitzungen sind beendet.",
    ),
    (
        "You could not sign in any more. Add a passkey first.",
        "Sie könnten sich nicht mehr anmelden. Fügen Sie zuerst einen Passkey hinzu.",
    ),
    (
        "You did not sign in at the other service.",
        "Sie haben sich bei dem anderen Dienst nicht angemeldet.",
    ),
    (
        "The other service cannot be reached. Try again later, or sign in with your password.",
        "Der andere Dienst ist nicht erreichbar. Versuchen Sie es später noch einmal, oder melden Sie \
         sich mit Ihrem Passwort an.",
    ),
    (
        "The other service did not ask you to sign in anew. Please use your password.",
        "Der andere Dienst hat keine neue Anmeldung verlangt. Bitte verwenden Sie Ihr Passwort.",
    ),
    (
        "The other service knows you, but you may not sign in here with it.",
        "Der andere Dienst kennt Sie, aber Sie dürfen sich mit ihm hier nicht anmelden.",
    ),
    (
        "The sign-in at the other service failed. Please try again.",
        "Die Anmeldung bei dem anderen Dienst ist fehlgeschlagen. Bitte versuchen Sie es noch einmal.",
    ),
    (
        "You have no account here. Sign in with your password first and link the other service there.",
        "Sie haben hier kein Konto. Melden Sie sich zuerst mit Ihrem Passwort an und verbinden Sie den \
         anderen Dienst dort.",
    ),
    (
        "This person of the other service has an account here already.",
        "Diese Person des anderen Dienstes hat hier schon ein Konto.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, tag: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_bytes(asked.as_bytes()).unwrap());
        assert_eq!(Language::of(&headers).tag(), tag, "{asked}");
    }

    #[test]
    fn the_browser_says_which_language() {
        for (asked, tag) in [
            ("de", "de"),
            ("de-AT,en;q=0.5", "de"),
            ("en;q=0.5,de;q=0.6", "de"),
            ("en,de", "en"),
            ("fr, de;q=0.1", "de"),
            ("fr", "en"),
            ("*", "en"),
            ("de;q=0, *;q=0.1", "en"),
            ("de;q=x", "en"),
            ("DE-de", "de"),
            ("", "en"),
            ("\u{e4}", "en"),
            (",;,=;q", "en"),
        ] {
            check(asked, tag);
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    /// Every file of this package with texts for people.
    const SOURCES: &[&str] = &[
        include_str!("answer.rs"),
        include_str!("endpoint/account.rs"),
        include_str!("endpoint/account/passkeys.rs"),
        include_str!("endpoint/account/upstream.rs"),
        include_str!("endpoint/consent.rs"),
        include_str!("endpoint/callback.rs"),
        include_str!("endpoint/device.rs"),
        include_str!("endpoint/end_session.rs"),
        include_str!("endpoint/invite.rs"),
        include_str!("endpoint/login.rs"),
        include_str!("endpoint/passkey.rs"),
        include_str!("endpoint/reset.rs"),
        include_str!("endpoint/second_factor.rs"),
        include_str!("endpoint/upstream.rs"),
        include_str!("endpoint/verify_email.rs"),
        include_str!("letter.rs"),
        include_str!("page.rs"),
        include_str!("page/account.rs"),
        include_str!("page/consent.rs"),
        include_str!("page/device.rs"),
        include_str!("page/end_session.rs"),
        include_str!("page/passkey.rs"),
        include_str!("page/mail.rs"),
        include_str!("page/upstream.rs"),
    ];

    /// What a file says to people: `say("…")`, and constants that end like a sentence.
    fn said(source: &'static str) -> Vec<String> {
        let spoken = source.split("say(\"").skip(1);
        let named = source.split(": &str = \"").skip(1).filter(|text| {
            text.split(";\n").next().is_some_and(|constant| constant.ends_with(".\""))
        });
        let texts = spoken.chain(named).filter_map(|rest| rest.split('"').next());
        // A text of several lines has its line ends escaped in the source.
        texts.map(|text| text.split("\\\n").map(str::trim_start).collect()).collect()
    }

    #[test]
    fn every_text_is_there_in_german() {
        let mut count = 0;
        for english in SOURCES.iter().copied().flat_map(said) {
            assert!(GERMAN.iter().any(|(known, _)| *known == english), "{english:?}");
            count += 1;
        }
        assert!(count > 40, "{count} texts");
        for (english, german) in GERMAN {
            assert_eq!(GERMAN.iter().filter(|one| one.0 == *english).count(), 1, "{english}");
            assert!(!german.is_empty());
        }
    }
}
