use super::*;

#[test]
fn routes_of_apps_blueprints_and_views_are_found() {
    let facts = read(
        r#"
from flask import Flask, Blueprint
app = Flask(__name__)
bp = Blueprint("shop", __name__, url_prefix="/shop")

@bp.route("/items", methods=["GET", "POST"])
def items(): ...

@app.get("/users/<int:user_id>")
def get_user(user_id): ...

class Orders(MethodView):
    def get(self): ...
    def delete(self): ...

app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
app.register_blueprint(bp, url_prefix="/v1")
app.run(port=5001)
"#,
    )
    .unwrap();
    assert_eq!(facts.module_apps, ["app"]);
    assert_eq!(facts.blueprints["bp"], Blueprint { name: "shop".into(), prefix: "/shop".into() });
    let routes: Vec<_> = facts
        .routes
        .iter()
        .map(|r| (r.rule.as_str(), r.endpoint.as_str(), r.methods.join(",")))
        .collect();
    assert_eq!(
        routes,
        [
            ("/items", "items", "GET,POST".to_owned()),
            ("/users/<int:user_id>", "get_user", "GET".to_owned()),
            ("/orders", "orders", String::new()),
        ]
    );
    assert_eq!(facts.views["Orders"], ["GET", "DELETE"]);
    assert_eq!(facts.registrations[0].prefix.as_deref(), Some("/v1"));
    assert_eq!(facts.run_port.as_deref(), Some("5001"));
}

#[track_caller]
fn url_of(code: &str) -> String {
    read(code)
        .unwrap()
        .calls
        .first()
        .map(|call| format!("{} {}", call.method, expand(&call.url, &|_| None)))
        .unwrap_or_default()
}

#[test]
fn addresses_are_folded_as_far_as_they_are_known() {
    assert_eq!(
        url_of("requests.get('http://users:5001/api/user')"),
        "GET http://users:5001/api/user"
    );
    assert_eq!(url_of("u='http://a:1/x'\nrequests.request('POST', url=u)"), "POST http://a:1/x");
    assert_eq!(url_of("r.request(method='GET', url='http://a/'+n+'/e')"), "GET http://a/\0/e");
    assert_eq!(url_of("requests.put(f'http://a/{x}/y')"), "PUT http://a/\0/y");
    assert_eq!(url_of("requests.get('http://a/{}/y'.format(x))"), "GET http://a/\0/y");
    assert_eq!(
        url_of("B = os.environ.get('B', 'http://a:2')\nrequests.get(f'{B}/z')"),
        "GET http://a:2/z"
    );
    assert_eq!(url_of("d.get('name')"), "");
    assert_eq!(url_of("requests.get(app.config['U'])"), "");
    assert_eq!(
        url_of("U = 'http://a:3'\nrequests.get(app.config['U'] + '/y')"),
        "GET http://a:3/y"
    );
}

#[test]
fn reading_the_authorization_header_is_noticed() {
    assert!(read("request.headers.get('Authorization')").unwrap().reads_authorization);
    assert!(read("k = request.headers['Authorization']").unwrap().reads_authorization);
    assert!(read("a = request.authorization").unwrap().reads_authorization);
    assert!(!read("headers = {'Authorization': key}").unwrap().reads_authorization);
}

#[test]
fn what_is_not_python_gives_nothing() {
    assert_eq!(read("def ("), None);
    assert_eq!(read(&"(".repeat(10_000)), None);
}
