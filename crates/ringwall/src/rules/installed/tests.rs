use super::*;

#[test]
fn what_debian_keeps_in_two_folders_is_one_rule_set() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let missing = Candidate::of_debian(root.path()).unwrap_err().to_string();
    assert!(missing.contains("name a folder or an archive"), "{missing}");
    write("usr/share/modsecurity-crs/rules/REQUEST-942.conf", "SecAction \"id:2,phase:1,pass\"\n");
    write(
        "usr/share/modsecurity-crs/owasp-crs.load",
        "Include /etc/modsecurity/crs/crs-setup.conf\n",
    );
    for (name, id) in [("crs-setup.conf", 1), (DEBIAN_BEFORE, 3), (DEBIAN_AFTER, 4)] {
        let text = format!("SecAction \"id:{id},phase:1,pass\"\n");
        write(&format!("etc/modsecurity/crs/{name}"), &text);
    }
    let found = Candidate::of_debian(root.path()).unwrap();
    let sets = Sets { folder: root.path().join("state") };
    let (installed, notes) = sets.add(&found, Timestamp::from_secs(0)).unwrap();
    assert_eq!(notes, [""; 0]);
    let set = super::super::try_set(&sets.folder(&installed.id)).unwrap().unwrap();
    assert!([1, 2, 3, 4].into_iter().all(|id| set.has_rule(id)));
}
