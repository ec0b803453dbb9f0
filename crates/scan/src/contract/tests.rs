use super::*;
use crate::MemoryTree;

#[track_caller]
fn operations(files: &[(&str, &str)], path: &str) -> Vec<String> {
    let contract = flask_contract(&MemoryTree::of(files), path).unwrap();
    contract.operations.iter().map(|op| format!("{} {} {}", op.name, op.method, op.path)).collect()
}

#[test]
fn a_factory_with_a_blueprint_in_another_file_is_one_app() {
    let files = [
        ("user-service/run.py", "from application import create_app\napp = create_app()\n"),
        (
            "user-service/application/__init__.py",
            "def create_app():\n    app = Flask(__name__)\n    app.register_blueprint(user_api_blueprint)\n    return app\n",
        ),
        (
            "user-service/application/user_api/__init__.py",
            "user_api_blueprint = Blueprint('user_api', __name__)\n",
        ),
        (
            "user-service/application/user_api/routes.py",
            "@user_api_blueprint.route('/api/user/<username>/exists', methods=['GET'])\ndef get_username(username): ...\n",
        ),
    ];
    assert_eq!(
        operations(&files, "user-service"),
        ["user_api.get_username GET /api/user/{username}/exists"]
    );
}

#[test]
fn an_endpoint_with_two_methods_gives_two_operations() {
    let files = [(
        "app.py",
        "app = Flask(__name__)\n@app.route('/login', methods=['POST', 'GET'])\ndef login(): ...\n",
    )];
    assert_eq!(operations(&files, "app.py"), ["login GET /login", "login.post POST /login"]);
}

#[test]
fn prefixes_and_names_of_nested_blueprints_add_up() {
    let files = [(
        "app.py",
        "app = Flask(__name__)\nouter = Blueprint('outer', __name__, url_prefix='/o')\ninner = Blueprint('inner', __name__, url_prefix='/i')\n\
         outer.register_blueprint(inner)\napp.register_blueprint(outer, url_prefix='/v1')\n@inner.get('/x/<path:rest>')\ndef x(rest): ...\n",
    )];
    assert_eq!(operations(&files, "app.py"), ["outer.inner.x GET /v1/i/x/{rest*}"]);
}

#[test]
fn two_apps_in_one_folder_do_not_mix() {
    let files = [
        ("users.py", "app = Flask(__name__)\n@app.get('/users')\ndef users(): ...\n"),
        ("orders.py", "app = Flask(__name__)\n@app.get('/orders')\ndef orders(): ...\n"),
    ];
    assert_eq!(operations(&files, "users.py"), ["users GET /users"]);
}

#[test]
fn static_files_are_an_operation_where_there_are_some() {
    let files = [("w/app.py", "app = Flask(__name__)\n"), ("w/static/a.css", "")];
    assert_eq!(operations(&files, "w"), ["static GET /static/{filename*}"]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_a_missing_route() {
    let tree = MemoryTree::of(&[("a/app.py", "app = Flask(__name__)\n"), ("a/b.py", "def (")]);
    assert_eq!(flask_contract(&tree, "a"), Err(ContractError::Unreadable("a/b.py".to_owned())));
    assert_eq!(flask_contract(&tree, "z"), Err(ContractError::NoSource("z".to_owned())));
}
