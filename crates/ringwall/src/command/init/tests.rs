use ringwall_manifest::Severity;
use ringwall_scan::{MemoryTree, survey};

use super::*;

/// A small fleet: pages, a service behind them, a third party.
const FILES: &[(&str, &str)] = &[
    (
        "web/app.py",
        "app = Flask(__name__)\nSECRET_KEY = 'q8Zr2LmVx0aP'\n@app.get('/')\ndef home(): return render_template('x')\n\
         @app.route('/login', methods=['GET', 'POST'])\ndef login(): requests.get('http://api-host:5001/users/' + i)\n\
         @app.get('/admin/all')\ndef everything(): requests.post('https://api.pay.example/v1/' + i + '/x')\n",
    ),
    (
        "api/app.py",
        "app = Flask(__name__)\n@app.get('/users/<i>')\ndef user(i): ...\n@app.get('/users')\ndef users(): ...\napp.run(port=5001)\n",
    ),
    ("compose.yml", "services:\n  api-host:\n    build: ./api\n"),
];

fn text(files: &[(&str, &str)], folder: &str) -> String {
    let tree = MemoryTree::of(files);
    let fleet = Fleet::of(&tree, survey(&tree), folder);
    format(&draft::manifest(&fleet)).unwrap()
}

/// Writes files and manifest to disk, and checks them there.
fn errors(files: &[(&str, &str)], text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let loaded = put(dir.path(), text, false).unwrap();
    let findings = loaded.report.findings.iter();
    let errors = findings.filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.message.clone()).collect()
}

#[test]
fn the_manifest_of_a_fleet_passes_check_and_marks_its_guesses() {
    let text = text(FILES, "My Shop!");
    assert_eq!(errors(FILES, &text), [] as [&str; 0], "{text}");
    for line in [
        "name = \"my-shop\"  # guess: after the folder",
        "login_path = \"/_ringwall/login\"",
        "hosts = [\"api-host:5001\"]",
        "  \"home\",  # guess: GET /",
        "  \"user\",  # guess: web/app.py:6",
        "  \"POST /v1/{part1}/x\",  # guess: web/app.py:8",
        "# people.customer = [\"user\", \"users\"]",
        "# people.ROLE = [\"everything\"]",
        "  \"anyone -> api.*\",  # guess: for services only",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    assert!(!text.contains("q8Zr2LmVx0aP"), "a secret was copied");
}

#[test]
fn two_services_with_the_same_paths_are_told_apart() {
    let page = "app = Flask(__name__)\n@app.get('/')\ndef home(): return render_template('x')\n";
    let files = [("a/app.py", page), ("b/app.py", page)];
    let text = text(&files, "shop");
    assert!(text.contains("mount = \"/b\"  # guess: a has some of the same paths"), "{text}");
    assert_eq!(errors(&files, &text), [] as [&str; 0]);
}

#[test]
fn databases_get_a_store_where_one_can_lead_there() {
    let files = [
        (
            "a/app.py",
            "A = 'mysql://u@user-db/x'\nB = 'redis://localhost'\nC = 'redis://127.0.0.1:6379/1'\nD = 'postgresql://10.0.0.7/x'\nE = 'amqp://mq:5000'\napp = Flask(__name__)\n",
        ),
        ("b/app.py", "app = Flask(__name__)\napp.run(port=5000)\n"),
    ];
    let text = text(&files, "shop");
    assert_eq!(errors(&files, &text), [] as [&str; 0], "{text}");
    let stores = "stores = { \"127.0.0.1:6379\" = \"127.0.0.1:6379\", \"user-db:3306\" = \"127.0.0.1:3306\" }  # guess: ";
    assert!(text.contains(stores), "{text}");
    assert!(text.contains("# TODO: it uses 10.0.0.7:5432, mq:5000: give it a name"), "{text}");
}

#[test]
fn names_of_files_cannot_become_lines_of_the_manifest() {
    let name = "x\"\n[gateway]\nhost = \"evil\"/app.py";
    let files = [
        (name, "app = Flask(__name__)\nAPI_KEY = 'abcdefgh1234'\n"),
        ("b/app.py", "app = Flask(__name__)\n"),
    ];
    let text = text(&files, "a\nb");
    assert_eq!(text.matches("\n[gateway]").count(), 1, "{text}");
}

#[test]
fn a_manifest_that_is_there_is_kept_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.py"), "app = Flask(__name__)\n").unwrap();
    std::fs::write(dir.path().join(NAME), "mine").unwrap();
    let mut out = Out::new(Format::Json, false);
    let mut init = |force| run(&Args { dir: dir.path().to_path_buf(), force }, &mut out).unwrap();
    let read = |name| std::fs::read_to_string(dir.path().join(name)).unwrap();

    assert_eq!(init(false), Exit::Failed);
    assert_eq!(read(NAME), "mine");
    assert_eq!(init(true), Exit::Ok);
    assert!(read(NAME).contains("ringwall = 1"));
    assert_eq!(read(BACKUP), "mine");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "something half-written is left");
}

#[test]
fn a_folder_without_flask_gets_no_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let mut out = Out::new(Format::Json, false);
    let args = Args { dir: dir.path().to_path_buf(), force: false };
    assert_eq!(run(&args, &mut out).unwrap(), Exit::Findings);
    assert!(!dir.path().join(NAME).exists());
}
