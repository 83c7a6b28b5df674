//! Each rule of style finds what it is for, and finds nothing in a good file.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use exposure_codegen::lint::lint;

const GOOD: &str = r#"syntax = "proto3";
package good.things.v1;
// Keeps things.
service ThingService {
  // Lists the things.
  rpc ListThings(ListThingsRequest) returns (ListThingsResponse);
}
// Asks for a page.
message ListThingsRequest {
  // Limits the page.
  int32 page_size = 1;
  // Continues the list.
  string page_token = 2;
  // Restricts the list.
  optional string only_kind = 3;
}
// Returns a page.
message ListThingsResponse {
  // Lists them.
  repeated Thing things = 1;
  // Continues the list.
  string next_page_token = 2;
}
// Describes a thing.
message Thing {
  // Says what it is.
  oneof body {
    // Tells its kind.
    ThingKind kind = 1;
    // Names it.
    string name_v2 = 2;
  }
  // Gives its labels.
  map<string, string> labels = 3;
}
// Tells a kind.
enum ThingKind {
  // Marks none.
  THING_KIND_UNSPECIFIED = 0;
  // Means big.
  THING_KIND_BIG = 1;
}
"#;

fn rules(path: &str, source: &str) -> Vec<&'static str> {
    let mut rules: Vec<_> =
        lint(&support::compiled(path, source)).into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn a_good_file_has_no_findings() {
    let descriptors = support::compiled("good/things/v1/thing_service.proto", GOOD);
    assert_eq!(lint(&descriptors), []);
}

#[test]
fn every_rule_finds_what_it_is_for() {
    let cases: &[(&str, &str, &str)] = &[
        ("COMMENT_SERVICE", "// Keeps things.\n", ""),
        ("COMMENT_RPC", "  // Lists the things.\n", ""),
        ("COMMENT_MESSAGE", "// Describes a thing.\n", ""),
        ("COMMENT_FIELD", "  // Limits the page.\n", ""),
        ("COMMENT_ONEOF", "  // Says what it is.\n", ""),
        ("COMMENT_ENUM", "// Tells a kind.\n", ""),
        ("COMMENT_ENUM_VALUE", "  // Means big.\n", ""),
        ("COMMENT_VERB", "// Describes a thing.", "// The thing."),
        ("COMMENT_SENTENCE", "// Describes a thing.", "// Describes a thing"),
        ("PACKAGE_DIRECTORY_MATCH", "good.things.v1", "good.other.v1"),
        ("PACKAGE_LOWER_SNAKE_CASE", "good.things.v1", "good.Things.v1"),
        ("PACKAGE_VERSION_SUFFIX", "good.things.v1", "good.things"),
        ("MESSAGE_PASCAL_CASE", "Thing ", "thing_one "),
        ("MESSAGE_PASCAL_CASE", "Thing ", "XMLThing "),
        ("FIELD_LOWER_SNAKE_CASE", "only_kind", "onlyKind"),
        ("FIELD_LOWER_SNAKE_CASE", "only_kind", "only__kind"),
        ("ONEOF_LOWER_SNAKE_CASE", "oneof body", "oneof Body"),
        ("ENUM_PASCAL_CASE", "ThingKind", "thingKind"),
        ("ENUM_VALUE_UPPER_SNAKE_CASE", "THING_KIND_BIG", "THING_KIND_big"),
        ("ENUM_VALUE_PREFIX", "THING_KIND_BIG", "BIG"),
        ("ENUM_ZERO_VALUE_SUFFIX", "THING_KIND_UNSPECIFIED", "THING_KIND_NONE"),
        ("ENUM_ZERO_VALUE_SUFFIX", "THING_KIND_BIG", "THING_KIND_BIG_UNSPECIFIED"),
        (
            "ENUM_NO_ALLOW_ALIAS",
            "  // Means big.\n",
            "  option allow_alias = true;\n  // Means grand.\n  THING_KIND_GRAND = 1;\n  // Means big.\n",
        ),
        ("FIELD_SIGNED", "int32 page_size", "uint32 page_size"),
        ("FIELD_SIGNED", "int32 page_size", "fixed64 page_size"),
        ("SERVICE_PASCAL_CASE", "ThingService", "thingService"),
        ("SERVICE_SUFFIX", "ThingService", "Things"),
        ("RPC_PASCAL_CASE", "rpc ListThings(", "rpc listThings("),
        ("RPC_REQUEST_STANDARD_NAME", "ListThingsRequest", "ThingsQuestion"),
        ("RPC_RESPONSE_STANDARD_NAME", "ListThingsResponse", "ThingsAnswer"),
        (
            "RPC_REQUEST_RESPONSE_UNIQUE",
            "  // Lists the things.\n",
            "  // Finds a thing.\n  rpc FindThing(ListThingsRequest) returns (ListThingsResponse);\n  // Lists the things.\n",
        ),
        ("RPC_LIST_PAGED", "page_size", "size"),
        ("RPC_LIST_PAGED", "string page_token", "string token"),
        ("RPC_LIST_PAGED", "next_page_token", "next_token"),
    ];
    for (rule, good, bad) in cases {
        assert!(GOOD.contains(good), "{rule}: `{good}` is not in the good file");
        let found = rules("good/things/v1/thing_service.proto", &GOOD.replace(good, bad));
        assert!(found.contains(rule), "{rule}: {bad:?} gives {found:?}");
    }
    assert_eq!(rules("good/things/v1/ThingService.proto", GOOD), ["FILE_LOWER_SNAKE_CASE"]);
    let without_package = rules("thing.proto", "syntax = \"proto3\";");
    assert!(without_package.contains(&"PACKAGE_DEFINED"), "{without_package:?}");
    let proto2 = GOOD.replace("proto3", "proto2").replace("  int32", "  optional int32");
    let proto2 = proto2
        .replace("  string", "  optional string")
        .replace("    optional string name_v2", "    string name_v2");
    assert_eq!(rules("good/things/v1/thing.proto", &proto2), ["SYNTAX_SPECIFIED"]);
}

#[test]
fn a_finding_says_where_and_what_would_be_right() {
    let source = GOOD.replace("THING_KIND_BIG", "BIG");
    let findings = lint(&support::compiled("good/things/v1/thing.proto", &source));
    let line = 1 + source.lines().position(|line| line.contains("BIG")).unwrap_or_default();
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!(
            "good/things/v1/thing.proto:{line}: ENUM_VALUE_PREFIX: \
             `good.things.v1.ThingKind.BIG` does not begin with `THING_KIND_`"
        )]
    );
}
