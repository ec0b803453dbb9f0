use super::*;
use crate::MemoryTree;

fn fleet() -> MemoryTree {
    MemoryTree::of(&[
        (
            "user-service/run.py",
            "from application import create_app\napp = create_app()\nif __name__ == '__main__':\n    app.run(host='0.0.0.0', port=5001)\n",
        ),
        (
            "user-service/application/__init__.py",
            "def create_app():\n    app = Flask(__name__)\n    return app\n",
        ),
        ("user-service/application/api/__init__.py", "bp = Blueprint('user_api', __name__)\n"),
        (
            "user-service/application/api/routes.py",
            "@bp.route('/api/user', methods=['GET'])\ndef get_user():\n    k = request.headers.get('Authorization')\n",
        ),
        ("user-service/config.py", "SECRET_KEY = 'mrfrIMEngCl0pAKqIIBS_g'\n"),
        (
            "user-service/docker-compose.yml",
            "services:\n  user-api:\n    container_name: cuser-service\n    build:\n      context: .\n    ports: ['5001:5001']\n",
        ),
        (
            "order-service/app.py",
            "import requests\napp = Flask(__name__)\n@app.get('/api/orders')\ndef orders():\n    requests.request(method='GET', url='http://cuser-service:5001/api/user')\n    requests.post('https://api.stripe.com/v1/charges')\n",
        ),
    ])
}

#[test]
fn apps_starts_calls_and_secrets_of_a_fleet_are_found() {
    let found = survey(&fleet());
    let names: Vec<_> = found.apps.iter().map(|app| app.name.as_str()).collect();
    assert_eq!(names, ["order-service", "user-service"]);

    let users = &found.apps[1];
    assert_eq!(
        (users.root.as_str(), users.run.as_str(), users.port),
        ("user-service", "python run.py", Some(5001))
    );
    assert_eq!(users.hosts, ["cuser-service:5001"]);
    assert!(users.reads_authorization);

    let calls: Vec<_> =
        found.apps[0].calls.iter().map(|call| (&call.callee, call.path.as_str())).collect();
    assert_eq!(
        calls,
        [
            (&Callee::App("user-service".into(), Some("user_api.get_user".into())), "/api/user"),
            (&Callee::Other("https://api.stripe.com".into()), "/v1/charges"),
        ]
    );
    assert_eq!(
        found.secrets,
        [SecretHit { file: "user-service/config.py".into(), line: 1, name: "SECRET_KEY".into() }]
    );
}

#[test]
fn a_single_app_at_the_root_is_the_whole_tree() {
    let found = survey(&MemoryTree::of(&[
        ("app.py", "app = Flask(__name__)\n"),
        ("views.py", "@app.get('/x')\ndef x(): ...\n"),
    ]));
    assert_eq!(found.apps[0].root, ".");
    assert_eq!(found.apps[0].contract.operations.len(), 1);
}

#[test]
fn an_openapi_file_is_recognised_by_its_first_lines() {
    let found = survey(&MemoryTree::of(&[
        ("a/app.py", "app = Flask(__name__)\n"),
        ("a/package.json", "{\"name\": \"x\"}"),
        ("a/api.yaml", "# ours\nopenapi: 3.0.3\n"),
    ]));
    assert_eq!(found.apps[0].openapi.as_deref(), Some("a/api.yaml"));
}

#[test]
fn hostile_sources_do_not_panic() {
    for text in [
        "\u{0}",
        "'''",
        "app = Flask(__name__)\n@app.route(",
        "requests.get('http://:99999/x')",
        "requests.get('http://[::1/')",
        "\u{feff}x=1",
    ] {
        survey(&MemoryTree::of(&[("a.py", text), ("docker-compose.yml", text), (".env", text)]));
    }
}
