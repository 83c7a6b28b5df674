use prost_types::MethodDescriptorProto;

use super::check::Report;
use crate::walk::Element;

pub(super) fn compare(
    before: &MethodDescriptorProto,
    after: &MethodDescriptorProto,
    element: &Element<'_>,
    report: &mut Report,
) {
    let (old, new) = (before.input_type(), after.input_type());
    report.same(element, "RPC_SAME_REQUEST_TYPE", "its request", &old, &new);
    let (old, new) = (before.output_type(), after.output_type());
    report.same(element, "RPC_SAME_RESPONSE_TYPE", "its response", &old, &new);
    let (old, new) = (before.client_streaming(), after.client_streaming());
    report.same(element, "RPC_SAME_CLIENT_STREAMING", "whether requests stream", &old, &new);
    let (old, new) = (before.server_streaming(), after.server_streaming());
    report.same(element, "RPC_SAME_SERVER_STREAMING", "whether responses stream", &old, &new);
}
