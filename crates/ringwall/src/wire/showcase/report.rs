//! How the certificates are, for `status`, `doctor` and the metrics.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ringwall_api::CertificateState;
use ringwall_base::{Clock, Timestamp};
use ringwall_net::Certificate;

use super::{Showcase, State};

impl Showcase {
    /// One line for each certificate, and for each thing that is wrong.
    pub(crate) fn report(&self, clock: &dyn Clock) -> Vec<CertificateState> {
        let state = self.locked();
        let now = clock.now();
        let mut all: Vec<CertificateState> = state
            .sources
            .iter()
            .map(|source| {
                let certificate = source.certificate();
                let problem = source.problem.clone();
                let problem = problem.or_else(|| state.staples.problem(certificate));
                line(certificate, source.place(), problem, now)
            })
            .collect();
        if let Some(ordered) = &state.ordered {
            all.push(match &ordered.certificate {
                Some(certificate) => {
                    let problem = ordered.problem.clone();
                    let problem = problem.or_else(|| state.staples.problem(certificate));
                    line(certificate, "acme".to_owned(), problem, now)
                }
                None => CertificateState {
                    names: ordered.names.clone(),
                    source: "acme".to_owned(),
                    days_left: None,
                    problem: Some(ordered.problem.clone().unwrap_or_else(|| {
                        "not there yet; the local authority stands in".to_owned()
                    })),
                },
            });
        }
        if let Some(local) = &state.local {
            all.push(line(&local.certificate, "local authority".to_owned(), None, now));
        }
        for (place, problem) in state.believed.problems() {
            all.push(CertificateState {
                names: Vec::new(),
                source: place.to_owned(),
                days_left: None,
                problem: Some(problem.to_owned()),
            });
        }
        all
    }

    /// When each name's certificate ends, in the `OpenMetrics` text format.
    pub(crate) fn metrics(&self) -> String {
        let state = self.locked();
        let mut text = format!(
            "# HELP {EXPIRY} When the certificate of a name stops being good, Unix time.\n\
             # TYPE {EXPIRY} gauge\n# UNIT {EXPIRY} seconds\n"
        );
        // Two lines for one name are no metrics: the certificate that is shown for it comes first.
        let mut told = BTreeSet::new();
        for certificate in shown(&state) {
            for name in certificate.names().iter().filter(|name| told.insert(name.as_str())) {
                let secs = certificate.expires().secs();
                // Names of parsed certificates; a quote in one would end the label.
                let name: String = name.chars().filter(|one| !"\"\\\n".contains(*one)).collect();
                // Writing to a string does not fail.
                writeln!(text, "{EXPIRY}{{name=\"{name}\"}} {secs}").ok();
            }
        }
        text
    }
}

/// All certificates: what is shown for a name is before what stands back for it.
fn shown(state: &State) -> impl Iterator<Item = &Certificate> {
    super::brought(state).chain(state.local.iter().map(|local| &local.certificate))
}

fn line(
    certificate: &Certificate,
    source: String,
    problem: Option<String>,
    now: Timestamp,
) -> CertificateState {
    let left = certificate.expires().since(now).as_secs() / DAY;
    CertificateState { names: certificate.names().to_vec(), source, days_left: Some(left), problem }
}

const EXPIRY: &str = "ringwall_tls_certificate_expiry_seconds";
const DAY: u64 = 86_400;
