//! The fleet as a picture: lanes for the internet, the edge, services and partners.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::access::Caller;
use crate::model::{Model, Scope};

/// Who reaches whom.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Graph {
    /// By lane, then name.
    pub nodes: Vec<GraphNode>,
    /// By ends.
    pub edges: Vec<GraphEdge>,
}

/// A box of the picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GraphNode {
    /// `anyone`, a role, `gateway`, a service or a partner.
    pub name: String,
    /// Where it stands.
    pub lane: Lane,
}

/// An arrow of the picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GraphEdge {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// Operations, or routes of a partner, as granted.
    pub operations: Vec<String>,
}

/// A column of the picture.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Lane {
    /// People, signed in or not.
    Internet,
    /// The gateway.
    Edge,
    /// Services.
    Services,
    /// Third parties.
    Partners,
}

impl Graph {
    /// Draws a manifest. People reach services through the gateway; the arrows name the role.
    pub fn of(model: &Model) -> Self {
        let mut edges = Edges::new();
        for service in model.services.values() {
            let people = service
                .people
                .iter()
                .flat_map(|(who, list)| list.iter().map(move |one| (who, one)));
            for (role, grant) in people {
                let name = scoped(&grant.operation, grant.scope);
                add(&mut edges, role, GATEWAY, format!("{}.{name}", service.name));
                add(&mut edges, GATEWAY, &service.name, name);
            }
            let callers = service
                .callers
                .iter()
                .flat_map(|(who, list)| list.iter().map(move |one| (who, one)));
            for (caller, grant) in callers {
                add(&mut edges, caller, &service.name, scoped(&grant.operation, grant.scope));
            }
        }
        for (name, partner) in &model.partners {
            let callers = partner
                .callers
                .iter()
                .flat_map(|(who, list)| list.iter().map(move |one| (who, one)));
            for (caller, grant) in callers {
                add(&mut edges, caller, name, grant.operation.clone());
            }
            if let Some(hook) = &partner.webhook {
                add(&mut edges, name, &hook.service, hook.operation.clone());
            }
        }
        let edges =
            edges.into_iter().map(|((from, to), operations)| GraphEdge { from, to, operations });
        Self { nodes: nodes(model), edges: edges.collect() }
    }

    /// In the language of Graphviz.
    pub fn to_dot(&self) -> String {
        let mut out = String::from("digraph fleet {\n  rankdir=LR;\n  node [shape=box];\n");
        for lane in LANES {
            let names = self.nodes.iter().filter(|node| node.lane == lane);
            let names: Vec<String> = names.map(|node| quoted(&node.name)).collect();
            if !names.is_empty() {
                line(&mut out, format_args!("  {{ rank=same; {}; }}", names.join("; ")));
            }
        }
        for edge in &self.edges {
            let label = edge.operations.join("\\n");
            line(
                &mut out,
                format_args!(
                    "  {} -> {} [label=\"{}\"];",
                    quoted(&edge.from),
                    quoted(&edge.to),
                    label.replace('"', "'")
                ),
            );
        }
        out.push_str("}\n");
        out
    }

    /// As a picture that needs no tool: lanes from left to right, arrows with a count, operations
    /// in the tooltip.
    pub fn to_svg(&self) -> String {
        let places = self.places();
        let deepest = places.values().map(|(_, y)| *y).max().unwrap_or(0);
        let (width, height) = (LANE_WIDTH * LANES.len(), deepest + ROW_HEIGHT + MARGIN);
        let mut out = String::new();
        line(
            &mut out,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
                 width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">"
            ),
        );
        out.push_str(ARROW);
        for (index, lane) in LANES.into_iter().enumerate() {
            let x = index * LANE_WIDTH + LANE_WIDTH / 2;
            let name = lane.as_str();
            line(
                &mut out,
                format_args!(
                    "<text x=\"{x}\" y=\"24\" text-anchor=\"middle\" fill=\"#777\">{name}</text>"
                ),
            );
        }
        for edge in &self.edges {
            draw_edge(&mut out, edge, &places);
        }
        for node in &self.nodes {
            draw_node(&mut out, &node.name, &places);
        }
        out.push_str("</svg>\n");
        out
    }

    /// As lines `from -> to: operations`.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for edge in &self.edges {
            line(
                &mut out,
                format_args!("{} -> {}: {}", edge.from, edge.to, edge.operations.join(", ")),
            );
        }
        out
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let nodes =
            self.nodes.iter().map(|node| json!({ "name": node.name, "lane": node.lane.as_str() }));
        let edges = self
            .edges
            .iter()
            .map(|edge| json!({ "from": edge.from, "to": edge.to, "operations": edge.operations }));
        json!({ "nodes": nodes.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>() })
    }

    /// Upper left corner of each box.
    fn places(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut used = BTreeMap::new();
        let mut places = BTreeMap::new();
        for node in &self.nodes {
            let row = used.entry(node.lane).or_insert(0_usize);
            let lane = LANES.iter().position(|lane| *lane == node.lane).unwrap_or(0);
            let x = lane * LANE_WIDTH + (LANE_WIDTH - BOX_WIDTH) / 2;
            places.insert(node.name.as_str(), (x, MARGIN + *row * ROW_HEIGHT));
            *row += 1;
        }
        places
    }
}

impl Lane {
    /// Its heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Edge => "edge",
            Self::Services => "services",
            Self::Partners => "partners",
        }
    }
}

/// Ends to operations.
type Edges = BTreeMap<(String, String), Vec<String>>;

fn add(edges: &mut Edges, from: &str, to: &str, what: String) {
    let list = edges.entry((from.to_owned(), to.to_owned())).or_default();
    if !list.contains(&what) {
        list.push(what);
    }
}

fn nodes(model: &Model) -> Vec<GraphNode> {
    let node = |name: &str, lane| GraphNode { name: name.to_owned(), lane };
    let mut nodes: Vec<GraphNode> = Caller::all(model)
        .iter()
        .filter(|caller| matches!(caller, Caller::Anyone | Caller::Role(_)))
        .map(|caller| node(caller.name(), Lane::Internet))
        .collect();
    nodes.push(node(GATEWAY, Lane::Edge));
    nodes.extend(model.services.keys().map(|name| node(name, Lane::Services)));
    nodes.extend(model.partners.keys().map(|name| node(name, Lane::Partners)));
    nodes
}

fn scoped(operation: &str, scope: Scope) -> String {
    match scope {
        Scope::All => operation.to_owned(),
        Scope::OnBehalf => format!("{operation}:on-behalf"),
        Scope::Own => format!("{operation}:own"),
    }
}

fn draw_edge(out: &mut String, edge: &GraphEdge, places: &BTreeMap<&str, (usize, usize)>) {
    let (Some(from), Some(to)) = (places.get(edge.from.as_str()), places.get(edge.to.as_str()))
    else {
        return;
    };
    let middle = BOX_HEIGHT / 2;
    let (y1, y2) = (from.1 + middle, to.1 + middle);
    // Within a lane the arrow leaves and enters on the right, in a bow.
    let (x1, x2, bend) = match from.0.cmp(&to.0) {
        std::cmp::Ordering::Less => (from.0 + BOX_WIDTH, to.0, (from.0 + BOX_WIDTH + to.0) / 2),
        std::cmp::Ordering::Equal => {
            (from.0 + BOX_WIDTH, to.0 + BOX_WIDTH, from.0 + BOX_WIDTH + 40)
        }
        std::cmp::Ordering::Greater => (from.0, to.0 + BOX_WIDTH, (from.0 + to.0 + BOX_WIDTH) / 2),
    };
    let title = format!("{} → {}: {}", edge.from, edge.to, edge.operations.join(", "));
    line(
        out,
        format_args!(
            "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\" fill=\"none\" \
             stroke=\"#4a6fa5\" marker-end=\"url(#arrow)\"><title>{}</title></path>",
            escaped(&title)
        ),
    );
}

fn draw_node(out: &mut String, name: &str, places: &BTreeMap<&str, (usize, usize)>) {
    let Some((x, y)) = places.get(name) else { return };
    let (text_x, text_y) = (x + BOX_WIDTH / 2, y + BOX_HEIGHT / 2 + 5);
    let name = escaped(name);
    line(
        out,
        format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" \
             fill=\"#fff\" stroke=\"#333\"/><text x=\"{text_x}\" y=\"{text_y}\" \
             text-anchor=\"middle\">{name}</text>"
        ),
    );
}

/// Appends a line. Writing to a `String` cannot fail, so there is nothing to return.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    if writeln!(out, "{text}").is_err() {
        out.push('\n');
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "'"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const GATEWAY: &str = "gateway";
const LANES: [Lane; 4] = [Lane::Internet, Lane::Edge, Lane::Services, Lane::Partners];
// Pixels.
const LANE_WIDTH: usize = 240;
const BOX_WIDTH: usize = 140;
const BOX_HEIGHT: usize = 36;
const ROW_HEIGHT: usize = 64;
const MARGIN: usize = 48;
const ARROW: &str = "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
                     markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" \
                     fill=\"#4a6fa5\"/></marker></defs>\n";
