//! `ringwall certificate`: the certificates of services.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// Which certificate.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Example:
  ringwall certificate orders > orders.pem
  curl --cert orders.pem -d grant_type=client_credentials -d client_id=orders \\
    https://mtls.shop.example/oauth/token")]
pub(crate) struct Args {
    /// Service of the manifest
    service: String,
    /// How long it lives; renew it at half of that
    #[arg(long, value_name = "MINUTES", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
}

/// Prints key and chain.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let Args { service, minutes } = args;
    let request = Request::CertificateIssue { service: service.clone(), minutes: *minutes };
    control::run(&request, place, out)
}
