//! The sample fleet: its manifest and what its services offer.

use std::collections::BTreeMap;

use ringwall_base::{Contract, Operation, Parameter, ParameterPlace};
use ringwall_manifest::{Draft, Inputs, Report, Source, check};

pub(crate) const SHOP: &str = include_str!("../data/shop.toml");

/// Operations as `name METHOD /path`.
pub(crate) fn contract(source: &str, lines: &[&str]) -> Contract {
    let operations = lines.iter().map(|line| operation(line)).collect();
    Contract { operations, source: source.to_owned(), has_schemas: true }
}

fn operation(line: &str) -> Operation {
    let words: Vec<&str> = line.split(' ').collect();
    let parameters = words[2]
        .split('{')
        .skip(1)
        .map(|rest| Parameter {
            name: rest.split('}').next().unwrap().to_owned(),
            place: ParameterPlace::Path,
            required: true,
        })
        .collect();
    Operation {
        name: words[0].to_owned(),
        method: words[1].to_owned(),
        path: words[2].to_owned(),
        parameters,
        ..Operation::default()
    }
}

pub(crate) fn inputs() -> Inputs {
    let openapi = BTreeMap::from([
        (
            "users".to_owned(),
            contract(
                "users/openapi.yaml",
                &[
                    "register POST /users",
                    "listUsers GET /users",
                    "getUser GET /users/{user_id}",
                    "updateUser PUT /users/{user_id}",
                ],
            ),
        ),
        (
            "orders".to_owned(),
            contract(
                "orders/openapi.yaml",
                &[
                    "createOrder POST /orders",
                    "listOrders GET /orders",
                    "getOrder GET /orders/{order_id}",
                    "cancelOrder DELETE /orders/{order_id}",
                    "markPaid POST /orders/{order_id}/paid",
                ],
            ),
        ),
        (
            "payments".to_owned(),
            contract(
                "payments/openapi.yaml",
                &[
                    "createCharge POST /charges",
                    "refund POST /refunds",
                    "stripeWebhook POST /webhooks/stripe",
                ],
            ),
        ),
    ]);
    let greeter = contract("greeter.binpb", &["Greet POST /t.Greeter/Greet"]);
    let grpc = BTreeMap::from([("greeter".to_owned(), greeter)]);
    Inputs { openapi, grpc, ..Inputs::default() }
}

pub(crate) fn examine(text: &str) -> Report {
    check(&Draft::read(Source::new("ringwall.toml", text)), &inputs())
}
