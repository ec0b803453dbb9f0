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
        ("user-service", "python3 run.py", Some(5001))
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

#[test]
fn what_containers_are_given_is_used_and_secrets_are_not_kept() {
    let found = survey(&MemoryTree::of(&[
        (
            "docker-compose.yml",
            "services:\n  orders:\n    build: ./shop-orders\n    environment:\n      USERS_URL: http://users_api:8000\n      DB_PASSWORD: swordfish-1\n      DATABASE_URL: postgresql://u:${P}@db/orders\n      UNREAD: x\n  users_api:\n    build: ./shop-users\n    command: gunicorn -b 0.0.0.0:8000 app:app\n",
        ),
        (
            "shop-orders/config.py",
            "import os\nUSERS_URL = os.environ['USERS_URL']\nDATABASE_URL = os.getenv('DATABASE_URL')\nPW = os.environ.get('DB_PASSWORD')\n",
        ),
        (
            "shop-orders/app.py",
            "from config import USERS_URL\napp = Flask(__name__)\nJWTManager(app)\ndef f(i):\n    requests.get(f'{USERS_URL}/users/{i}')\n    requests.get(app.config['USERS_URL'] + '/users')\n",
        ),
        ("shop-users/app.py", "app = Flask(__name__)\n@app.get('/users/<i>')\ndef user(i): ...\n"),
    ]));
    let [orders, users] = &found.apps[..] else { panic!("{found:?}") };
    assert_eq!((orders.name.as_str(), users.name.as_str()), ("orders", "users"));
    assert_eq!(orders.environment["USERS_URL"], "http://users_api:8000");
    assert_eq!(orders.environment.len(), 1, "{:?}", orders.environment);
    assert_eq!(orders.secret_variables, ["DB_PASSWORD"]);
    assert_eq!(orders.databases, ["db:5432"]);
    assert!(orders.reads_authorization);
    let callees: Vec<_> = orders.calls.iter().map(|call| &call.callee).collect();
    assert_eq!(
        callees,
        [&Callee::App("users".into(), None), &Callee::App("users".into(), Some("user".into()))]
    );
    assert_eq!(users.hosts, ["users_api:8000"]);
    assert_eq!(
        (users.run.as_str(), users.port),
        ("gunicorn -b 127.0.0.1:8000 app:app", Some(8000))
    );
}

#[test]
fn services_whose_command_takes_any_port_get_one_each() {
    let found = survey(&MemoryTree::of(&[
        ("a/app.py", "app = Flask(__name__)\n"),
        ("b/app.py", "app = Flask(__name__)\nif True: app.run(port=5000)\n"),
        ("c/app.py", "app = Flask(__name__)\napp.run(port=int(os.environ.get('PORT', '7000')))\n"),
        ("d/app.py", "app = Flask(__name__)\n"),
        ("d/requirements.txt", "Gunicorn==20\n"),
    ]));
    let starts: Vec<_> = found.apps.iter().map(|app| app.run.as_str()).collect();
    assert_eq!(
        starts,
        [
            "flask --app app:app run --port 5001",
            "python3 app.py",
            "python3 app.py",
            "gunicorn -b 127.0.0.1:5002 app:app",
        ]
    );
    let ports: Vec<_> = found.apps.iter().filter_map(|app| app.port).collect();
    assert_eq!(ports, [5001, 5000, 7000, 5002]);
}

#[test]
fn brackets_of_a_factory_are_not_the_shells() {
    let found = survey(&MemoryTree::of(&[
        ("a/app.py", "def create_app():\n    app = Flask(__name__)\n    return app\n"),
        ("b/app.py", "def make():\n    app = Flask(__name__)\n    return app\n"),
        ("b/requirements.txt", "gunicorn\n"),
    ]));
    let starts: Vec<_> = found.apps.iter().map(|app| app.run.as_str()).collect();
    let flask = "flask --app 'app:create_app()' run --port 5000";
    assert_eq!(starts, [flask, "gunicorn -b 127.0.0.1:5001 'app:make()'"]);
}

#[test]
fn a_dockerfile_says_how_an_app_is_started() {
    let run = |dockerfile: &str| {
        let files = [("s/app.py", "app = Flask(__name__)\n"), ("s/Dockerfile", dockerfile)];
        survey(&MemoryTree::of(&files)).apps[0].run.clone()
    };
    assert_eq!(run("ENTRYPOINT [\"python\"]\nCMD [\"app.py\"]\n"), "python3 app.py");
    assert_eq!(
        run("ENV PORT=8080\nCMD gunicorn --bind 0.0.0.0:$PORT app:app\n"),
        "gunicorn --bind 127.0.0.1:8080 app:app"
    );
    assert_eq!(run("EXPOSE 9000\nCMD [\"flask\", \"run\"]\n"), "flask run --port 9000");
    // What a shell would have to take apart, or what is not there, is not used.
    for foreign in ["CMD sh -c 'rm -rf /'\n", "CMD python gone.py\n", "CMD python app.py; id\n"] {
        assert_eq!(run(foreign), "flask --app app:app run --port 5000", "{foreign}");
    }
}

#[test]
fn names_lose_what_all_have_in_common_and_avoid_reserved_words() {
    let names = |folders: &[&str]| {
        let paths: Vec<String> = folders.iter().map(|folder| format!("{folder}/app.py")).collect();
        let files: Vec<_> =
            paths.iter().map(|path| (path.as_str(), "app = Flask(__name__)\n")).collect();
        let found = survey(&MemoryTree::of(&files));
        found.apps.into_iter().map(|app| app.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&["flask-shop-a", "flask-shop-b"]), ["a", "b"]);
    assert_eq!(names(&["gateway", "user_api"]), ["gateway-service", "user-api"]);
    assert_eq!(names(&["1st", "2nd"]), ["app-1st", "app-2nd"]);
}
