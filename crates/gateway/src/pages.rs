//! Pages for people whose request is refused or fails.
//!
//! Nothing of the request stands in them but the id that we gave it: what a client wrote cannot
//! come back as markup.

use std::collections::BTreeMap;

use crate::refusal::Public;

/// The operator's own pages, by status.
#[derive(Debug, Default)]
pub struct Pages {
    by_name: BTreeMap<String, Page>,
}

/// A page, cut where the gateway puts something in.
#[derive(Debug)]
struct Page(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Code,
    Request,
    Status,
    Title,
}

impl Pages {
    /// Reads pages by file name: `404.html`, `4xx.html`, `5xx.html`, `default.html`. In a text,
    /// `{{status}}`, `{{title}}`, `{{code}}` and `{{request_id}}` are replaced.
    ///
    /// # Errors
    /// The name that means nothing here.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        for (name, text) in files {
            let Some(stem) = name.strip_suffix(".html").filter(|stem| is_known(stem)) else {
                return Err(name);
            };
            by_name.insert(stem.to_owned(), Page::read(&text));
        }
        Ok(Self { by_name })
    }

    fn page(&self, status: u16) -> Option<&Page> {
        let class = if status < 500 { "4xx" } else { "5xx" };
        let names = [status.to_string(), class.to_owned(), "default".to_owned()];
        names.iter().find_map(|name| self.by_name.get(name))
    }
}

/// The page for a refusal: the operator's, or a plain one.
pub(crate) fn page(pages: Option<&Pages>, public: Public, request_id: &str) -> String {
    if let Some(page) = pages.and_then(|pages| pages.page(public.status.as_u16())) {
        return page.fill(public, request_id);
    }
    let (status, title, code) = (public.status.as_u16(), public.title, public.code);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1><p>Status {status}, code {code}.</p>\
         <p>Request {request_id}</p></body>\n</html>\n"
    )
}

impl Page {
    fn read(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((word, left)) = after.split_once("}}") else { break };
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(match word.trim() {
                "code" => Piece::Code,
                "request_id" => Piece::Request,
                "status" => Piece::Status,
                "title" => Piece::Title,
                _ => Piece::Text(format!("{{{{{word}}}}}")),
            });
            rest = left;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    fn fill(&self, public: Public, request_id: &str) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Code => text.push_str(public.code),
                Piece::Request => text.push_str(request_id),
                Piece::Status => text.push_str(public.status.as_str()),
                Piece::Title => text.push_str(public.title),
            }
        }
        text
    }
}

fn is_known(stem: &str) -> bool {
    let is_status = || stem.parse::<u16>().is_ok_and(|status| (400..600).contains(&status));
    matches!(stem, "4xx" | "5xx" | "default") || is_status()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    fn pages(files: &[(&str, &str)]) -> Result<Pages, String> {
        Pages::new(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn the_nearest_page_is_taken_and_filled() {
        let files = [
            ("404.html", "none: {{ title }} {{status}} {{code}} {{request_id}} {{other}} {{"),
            ("5xx.html", "broken"),
            ("default.html", "default"),
        ];
        let pages = pages(&files).unwrap();
        let shown = |refusal: &Refusal| page(Some(&pages), refusal.public(), "id-1");
        let filled = "none: No such path 404 RW3006 id-1 {{other}} {{";
        assert_eq!(shown(&Refusal::NoRoute), filled);
        assert_eq!(shown(&Refusal::Timeout), "broken");
        assert_eq!(shown(&Refusal::malformed("x")), "default");
        assert!(page(None, Refusal::NoRoute.public(), "id-1").contains("RW3006"));
    }

    #[test]
    fn a_file_that_would_never_be_shown_is_refused() {
        for name in ["200.html", "600.html", "404.htm", "6xx.html", "index.html"] {
            assert_eq!(pages(&[(name, "")]).unwrap_err(), name);
        }
    }
}
