//! Each rule of compatibility finds what it is for, and lets everything else pass.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use exposure_codegen::breaking::breaking;
use exposure_codegen::compile::strip;

const BEFORE: &str = r#"syntax = "proto3";
package shop.v1;
service ShopService {
  rpc Buy(BuyRequest) returns (BuyResponse);
  rpc Watch(BuyResponse) returns (stream Item);
}
service OldService {}
message BuyRequest {
  reserved 10 to 12, 20;
  reserved "old_name";
  string user_id = 1;
  int64 count = 2;
  repeated Item items = 3;
  oneof payment {
    string card = 4;
    string cash = 5;
  }
  optional string note = 6;
  message Inner {
    int32 x = 1;
  }
}
message BuyResponse {}
message Item {
  Color color = 1;
}
enum Color {
  reserved 7, 8;
  reserved "COLOR_OLD";
  COLOR_UNSPECIFIED = 0;
  COLOR_RED = 1;
}
enum Shape {
  SHAPE_UNSPECIFIED = 0;
}
"#;

/// The rules that a replacement in the file breaks.
fn broken(changes: &[(&str, &str)]) -> Vec<&'static str> {
    let mut after = BEFORE.to_owned();
    for (from, to) in changes {
        assert!(after.contains(from), "`{from}` is not in the file");
        after = after.replace(from, to);
    }
    let before = strip(support::compiled("shop/v1/shop.proto", BEFORE));
    let findings = breaking(&before, &support::compiled("shop/v1/shop.proto", &after));
    let mut rules: Vec<_> = findings.into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn additions_and_comments_break_nothing() {
    assert!(broken(&[]).is_empty());
    for (from, to) in [
        ("message BuyResponse {}", "// New.\nmessage BuyResponse { string receipt = 1; }"),
        ("COLOR_RED = 1;", "COLOR_RED = 1; COLOR_BLUE = 2;"),
        ("string cash = 5;", "string cash = 5; string coupon = 7;"),
        ("rpc Buy(", "rpc Sell(SellRequest) returns (SellResponse);\n  rpc Buy("),
        ("reserved 10 to 12, 20;", "reserved 10, 11 to 15, 20;"),
        ("reserved 7, 8;", "reserved 7 to 9;"),
    ] {
        let more = "message Item {";
        let with = "message SellRequest {}\nmessage SellResponse {}\nmessage Item {";
        assert_eq!(broken(&[(from, to), (more, with)]), [""; 0], "{to}");
    }
    // A field is deleted with its number and its name reserved.
    let reserved = ("reserved \"old_name\";", "reserved \"old_name\", \"note\"; reserved 6;");
    assert_eq!(broken(&[reserved, ("  optional string note = 6;\n", "")]), [""; 0]);
    let reserved =
        ("reserved \"COLOR_OLD\";", "reserved \"COLOR_OLD\", \"COLOR_RED\"; reserved 1;");
    assert_eq!(broken(&[reserved, ("  COLOR_RED = 1;\n", "")]), [""; 0]);
}

#[test]
fn every_rule_finds_what_it_is_for() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("MESSAGE_NO_DELETE", &[("  message Inner {\n    int32 x = 1;\n  }\n", "")]),
        (
            "MESSAGE_NO_DELETE",
            &[("message Inner {\n    int32 x = 1;", "enum Inner {\n INNER = 0;")],
        ),
        ("ENUM_NO_DELETE", &[("enum Shape", "enum Form")]),
        ("SERVICE_NO_DELETE", &[("OldService", "NewService")]),
        ("RPC_NO_DELETE", &[("rpc Buy(", "rpc Purchase(")]),
        ("FIELD_NO_DELETE", &[("  optional string note = 6;\n", "")]),
        ("FIELD_NO_DELETE", &[("  optional string note = 6;\n", "  reserved 6;\n")]),
        ("FIELD_NO_DELETE", &[("  optional string note = 6;\n", "  reserved \"note\";\n")]),
        ("FIELD_NO_DELETE", &[("note = 6", "note = 7")]),
        ("FIELD_SAME_NAME", &[("user_id = 1", "customer_id = 1 [json_name = \"userId\"]")]),
        ("FIELD_SAME_JSON_NAME", &[("user_id = 1", "user_id = 1 [json_name = \"user\"]")]),
        ("FIELD_SAME_TYPE", &[("int64 count", "int32 count")]),
        ("FIELD_SAME_TYPE", &[("repeated Item items", "repeated BuyResponse items")]),
        ("FIELD_SAME_CARDINALITY", &[("int64 count", "repeated int64 count")]),
        ("FIELD_SAME_CARDINALITY", &[("optional string note", "string note")]),
        ("FIELD_SAME_CARDINALITY", &[("int64 count", "optional int64 count")]),
        ("FIELD_SAME_ONEOF", &[("    string cash = 5;\n  }", "  }\n  string cash = 5;")]),
        ("FIELD_SAME_ONEOF", &[("oneof payment", "oneof means")]),
        ("RESERVED_NO_DELETE", &[("reserved 10 to 12, 20;", "reserved 10 to 11, 20;")]),
        ("RESERVED_NO_DELETE", &[("reserved 10 to 12, 20;", "reserved 10 to 12;")]),
        ("RESERVED_NO_DELETE", &[("  reserved \"old_name\";\n", "")]),
        ("RESERVED_NO_DELETE", &[("reserved 7, 8;", "reserved 7;")]),
        ("RESERVED_NO_DELETE", &[("  reserved \"COLOR_OLD\";\n", "")]),
        ("ENUM_VALUE_NO_DELETE", &[("  COLOR_RED = 1;\n", "")]),
        ("ENUM_VALUE_NO_DELETE", &[("  COLOR_RED = 1;\n", "  reserved 1;\n")]),
        ("ENUM_VALUE_SAME_NAME", &[("COLOR_RED", "COLOR_ROUGE")]),
        ("RPC_SAME_REQUEST_TYPE", &[("Buy(BuyRequest)", "Buy(Item)")]),
        ("RPC_SAME_RESPONSE_TYPE", &[("returns (BuyResponse)", "returns (Item)")]),
        ("RPC_SAME_CLIENT_STREAMING", &[("Buy(BuyRequest)", "Buy(stream BuyRequest)")]),
        ("RPC_SAME_SERVER_STREAMING", &[("(stream Item)", "(Item)")]),
    ];
    for (rule, changes) in cases {
        let found = broken(changes);
        assert_eq!(found, [*rule], "{changes:?}");
    }
}
