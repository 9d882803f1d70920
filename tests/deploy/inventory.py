"""What stands in a deployed cloud, asked of its APIs: as one JSON text that can be compared, whoever made it.

inventory.py show FILE     write everything but what examples/custom-plugin adds
inventory.py compare A B   fail where two such files differ
inventory.py gateway       print the address of the HTTP API on the emulator
inventory.py empty         fail, and name it, where anything is left
"""

import difflib
import json
import os
import sys

import boto3

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
# examples/custom-plugin's plugin, which only Terraform's stack has.
CUSTOM = "tidegate-audit"


def client(service):
    return boto3.client(service)


def pages(service, operation, key, **arguments):
    api = client(service)
    if not api.can_paginate(operation):
        return getattr(api, operation)(**arguments).get(key, [])
    return [item for page in api.get_paginator(operation).paginate(**arguments) for item in page.get(key, [])]


def policy(document):
    """A policy with its lists in order, and single entries not in lists."""
    document = json.loads(document) if isinstance(document, str) else document

    def plain(value):
        if isinstance(value, dict):
            # {"AWS": "*"} and "*" mean the same for a principal.
            return "*" if value == {"AWS": "*"} else {key: plain(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            entries = sorted((plain(entry) for entry in value), key=json.dumps)
            return entries[0] if len(entries) == 1 else entries
        return value

    statements = document["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    return sorted((plain({k: v for k, v in s.items()}) for s in statements), key=json.dumps)


def queues():
    found = {}
    for url in pages("sqs", "list_queues", "QueueUrls"):
        wanted = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {k: wanted.get(k) for k in ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled")}
        for key in ("RedrivePolicy", "RedriveAllowPolicy"):
            kept[key] = json.loads(wanted[key]) if wanted.get(key) else None
        if kept["RedrivePolicy"]:
            kept["RedrivePolicy"]["maxReceiveCount"] = int(kept["RedrivePolicy"]["maxReceiveCount"])
        kept["Policy"] = policy(wanted["Policy"]) if wanted.get("Policy") else None
        found[url.rsplit("/", 1)[1]] = kept
    return found


def functions():
    found = {}
    for one in pages("lambda", "list_functions", "Functions"):
        keys = ("Runtime", "Handler", "Role", "Description", "Timeout", "MemorySize", "Architectures", "LoggingConfig")
        kept = {key: one.get(key) for key in keys}
        kept["Environment"] = one["Environment"]["Variables"]
        if routes := kept["Environment"].get("TIDEGATE_ROUTES"):
            routes = [route for route in json.loads(routes) if route["plugin"] != "audit"]
            kept["Environment"]["TIDEGATE_ROUTES"] = routes
        found[one["FunctionName"]] = kept
        try:
            text = client("lambda").get_policy(FunctionName=one["FunctionName"])["Policy"]
            kept["Policy"] = [{k: v for k, v in s.items() if k != "Sid"} for s in policy(text)]
        except client("lambda").exceptions.ResourceNotFoundException:
            kept["Policy"] = None
    return found


def sources():
    keys = ("EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig")
    mappings = pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    return {one["FunctionArn"]: {key: one.get(key) for key in keys} for one in mappings}


def roles():
    found = {}
    for one in pages("iam", "list_roles", "Roles"):
        name = one["RoleName"]
        inline = {
            policy_name: policy(client("iam").get_role_policy(RoleName=name, PolicyName=policy_name)["PolicyDocument"])
            for policy_name in pages("iam", "list_role_policies", "PolicyNames", RoleName=name)
        }
        attached = pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        found[name] = {
            "Description": one.get("Description"),
            "Trust": policy(one["AssumeRolePolicyDocument"]),
            "Inline": inline,
            "Attached": [p["PolicyArn"] for p in attached],
        }
    return found


def policies():
    found = {}
    for one in pages("iam", "list_policies", "Policies", Scope="Local"):
        version = client("iam").get_policy_version(PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"])
        found[one["PolicyName"]] = policy(version["PolicyVersion"]["Document"])
    return found


def apis():
    found = {}
    for one in pages("apigatewayv2", "get_apis", "Items"):
        of = {"ApiId": one["ApiId"]}
        # Not DefaultRouteSettings: the emulator loses those that CloudFormation sets.
        stage_keys = ("StageName", "AutoDeploy", "AccessLogSettings")
        integration_keys = ("IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis")
        stages = pages("apigatewayv2", "get_stages", "Items", **of)
        integrations = pages("apigatewayv2", "get_integrations", "Items", **of)
        found[one["Name"]] = {
            "ProtocolType": one["ProtocolType"],
            "Description": one.get("Description"),
            "Routes": sorted(route["RouteKey"] for route in pages("apigatewayv2", "get_routes", "Items", **of)),
            "Integrations": [{key: i.get(key) for key in integration_keys} for i in integrations],
            "Stages": [{key: stage.get(key) for key in stage_keys} for stage in stages],
        }
    return found


def logs():
    groups = pages("logs", "describe_log_groups", "logGroups")
    return {one["logGroupName"]: one.get("retentionInDays") for one in groups}


def filters():
    found = {}
    for one in pages("logs", "describe_metric_filters", "metricFilters"):
        # Whoever says no unit means None.
        transformations = [{"unit": "None", **t, "defaultValue": float(t["defaultValue"])} for t in one["metricTransformations"]]
        found[one["filterName"]] = [one["logGroupName"], one["filterPattern"], transformations]
    return found


def alarms():
    keys = ("AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods",
            "Threshold", "ComparisonOperator", "TreatMissingData", "AlarmActions")
    found = pages("cloudwatch", "describe_alarms", "MetricAlarms")
    return {one["AlarmName"]: {key: one.get(key) for key in keys} for one in found}


def dashboards():
    return [one["DashboardName"] for one in pages("cloudwatch", "list_dashboards", "DashboardEntries")]


def secrets():
    return {one["Name"]: one.get("Description") for one in pages("secretsmanager", "list_secrets", "SecretList")}


KINDS = {
    "queues": queues, "functions": functions, "sources": sources, "roles": roles, "policies": policies, "apis": apis,
    "logs": logs, "filters": filters, "alarms": alarms, "dashboards": dashboards, "secrets": secrets,
}


def everything():
    return {kind: look() for kind, look in KINDS.items()}


def text_of(found):
    """Without the custom plugin, and without ids that are new in each deployment."""
    for kind, entries in found.items():
        if isinstance(entries, dict):
            found[kind] = {name: entry for name, entry in entries.items() if CUSTOM not in name}
    # Only Terraform makes a dashboard.
    del found["dashboards"]
    for key in found["policies"]:
        found["policies"][key] = without_custom(found["policies"][key])
    for role in found["roles"].values():
        role["Inline"] = {name: without_custom(statements) for name, statements in role["Inline"].items()}
    text = json.dumps(found, indent=1, sort_keys=True, default=str)
    for api in pages("apigatewayv2", "get_apis", "Items"):
        text = text.replace(api["ApiId"], "<api>")
    for secret in pages("secretsmanager", "list_secrets", "SecretList"):
        text = text.replace(secret["ARN"], "<secret>")
    return text.replace(ENDPOINT, "<endpoint>") + "\n"


def without_custom(statements):
    def kept(value):
        if not isinstance(value, list):
            return value
        rest = [entry for entry in value if CUSTOM not in json.dumps(entry)]
        return rest[0] if len(rest) == 1 else rest
    return [{key: kept(value) for key, value in statement.items()} for statement in statements]


def main():
    match sys.argv[1:]:
        case ["show", path]:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text_of(everything()))
        case ["compare", one, other]:
            lines = [open(path, encoding="utf-8").read().splitlines() for path in (one, other)]
            diff = list(difflib.unified_diff(*lines, one, other, lineterm=""))
            if diff:
                sys.exit("the two stacks differ:\n" + "\n".join(diff))
        case ["gateway"]:
            [api] = pages("apigatewayv2", "get_apis", "Items")
            print(f"{ENDPOINT}/_aws/execute-api/{api['ApiId']}/$default")
        case ["empty"]:
            left = {kind: list(found) for kind, found in everything().items() if found}
            if left:
                sys.exit(f"left behind: {json.dumps(left)}")
        case _:
            sys.exit(__doc__)


main()
