"""The HAL bodies that a Pact Broker answers with."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.broker_double import metadata
from tests.broker_double.store import (
    Deployment,
    Environment,
    Json,
    Pact,
    Pacticipant,
    Result,
    Store,
    Version,
    Webhook,
    with_ids,
)


def at(*segments: str) -> str:
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def link(href: str, title: str | None = None, name: str | None = None, **more: Any) -> Json:
    found = {"title": title, "name": name, "href": href, **more}
    return {key: value for key, value in found.items() if value is not None}


def _stamps(created: str, updated: str | None) -> Json:
    return {**({"updatedAt": updated} if updated else {}), "createdAt": created}


@dataclass(frozen=True)
class Bodies:
    url: str
    store: Store

    def to(self, *segments: str) -> str:
        return self.url + at(*segments)

    def curies(self, context: str) -> list[Json]:
        return [{"name": "pb", "href": f"{self.url}/doc/{{rel}}?context={context}", "templated": True}]

    # Where things are

    def of_pacticipant(self, name: str) -> str:
        return self.to("pacticipants", name)

    def of_version(self, version: Version) -> str:
        return self.to("pacticipants", version.pacticipant, "versions", version.number)

    def of_branch_version(self, version: Version, branch: str) -> str:
        return self.to("pacticipants", version.pacticipant, "branches", branch, "versions", version.number)

    def of_tag(self, version: Version, tag: str) -> str:
        return self.of_version(version) + at("tags", tag)

    def of_integration(self, pact: Pact) -> str:
        return self.to("pacts", "provider", pact.provider, "consumer", pact.consumer)

    def of_pact(self, pact: Pact) -> str:
        return self.of_integration(pact) + at("version", pact.version.number)

    def of_content(self, pact: Pact, encoded: str | None = None) -> str:
        return self.of_integration(pact) + at("pact-version", pact.sha, *(("metadata", encoded) if encoded else ()))

    def of_environment(self, environment: Environment) -> str:
        return self.to("environments", environment.uuid)

    # The things

    def index(self) -> Json:
        def rel(path: str, title: str, *, templated: bool | None = None, **more: str) -> Json:
            found = {**more, "href": self.url + path, "title": title}
            return found if templated is None else {**found, "templated": templated}

        pact = "/pacts/provider/{provider}/consumer/{consumer}"
        one = "/pacticipants/{pacticipant}"
        asked = "/can-i-deploy?pacticipant={pacticipant}&version={version}"
        verify = "/pacts/provider/{provider}/for-verification"
        doc = f"{self.url}/doc/{{rel}}?context=index"
        deployable = "Determine if an application version can be safely deployed to an environment"
        plain = {
            "self": ("", "Index"),
            "pb:publish-contracts": ("/contracts/publish", "Publish contracts"),
            "pb:latest-pact-versions": ("/pacts/latest", "Latest pact versions"),
            # The real broker says that this one is no template, too.
            "pb:tagged-pact-versions": (
                f"{pact}/tag/{{tag}}",
                "All versions of a pact for a given consumer, provider and consumer version tag",
            ),
            "pb:pacticipants": ("/pacticipants", "Pacticipants"),
            "pb:webhooks": ("/webhooks", "Webhooks"),
            "pb:integrations": ("/integrations", "Integrations"),
            "pb:environments": ("/environments", "Environments"),
        }
        templates = {
            "pb:publish-pact": (f"{pact}/version/{{consumerApplicationVersion}}", "Publish a pact"),
            "pb:branch-pact-versions": (
                f"{pact}/branch/{{branch}}",
                "All versions of pacts for a provider, for a named consumers branch",
            ),
            "pb:latest-branch-pact-versions": (
                f"{pact}/branch/{{branch}}/latest/versions",
                "Latest version of pact for a provider, for a named consumers branch",
            ),
            "pb:main-branch-pact-versions": (
                f"{pact}/branch/versions",
                "All versions of pacts for a provider, for a named consumers main branch",
            ),
            "pb:latest-main-branch-pact-versions": (
                f"{pact}/branch/latest/versions",
                "Latest version of pact for a provider, for a named consumers main branch",
            ),
            "pb:provider-pacts-with-main-branch": (
                "/pacts/provider/{provider}/branch",
                "All pacts for a provider, for any consumers main branch",
            ),
            "pb:provider-pacts-with-branch": (
                "/pacts/provider/{provider}/branch/{branch}",
                "All pacts for a provider, for any consumers named branch",
            ),
            "pb:latest-provider-pacts-with-main-branch": (
                "/pacts/provider/{provider}/branch/latest",
                "Latest pact for a provider, for any consumers main branch",
            ),
            "pb:latest-provider-pacts-with-branch": (
                "/pacts/provider/{provider}/branch/{branch}/latest",
                "Latest pacts for a provider, for any consumers named branch",
            ),
            "pb:pacticipant": (one, "Fetch pacticipant by name"),
            "pb:latest-provider-pacts": ("/pacts/provider/{provider}/latest", "Latest pacts by provider"),
            "pb:latest-provider-pacts-with-tag": (
                "/pacts/provider/{provider}/latest/{tag}",
                "Latest pacts for provider with the specified tag",
            ),
            "pb:provider-pacts-with-tag": (
                "/pacts/provider/{provider}/tag/{tag}",
                "All pact versions for the provider with the specified consumer version tag",
            ),
            "pb:provider-pacts": ("/pacts/provider/{provider}", "All pact versions for the specified provider"),
            "pb:latest-version": (f"{one}/latest-version", "Latest pacticipant version"),
            "pb:latest-tagged-version": (
                f"{one}/latest-version/{{tag}}",
                "Latest pacticipant version with the specified tag",
            ),
            "pb:webhook": ("/webhooks/{uuid}", "Webhook"),
            "pb:pacticipant-version-tag": (
                f"{one}/versions/{{version}}/tags/{{tag}}",
                "Get, create or delete a tag for a pacticipant version",
            ),
            "pb:pacticipant-branch": (f"{one}/branches/{{branch}}", "Get or delete a pacticipant branch"),
            "pb:pacticipant-branch-version": (
                f"{one}/branches/{{branch}}/versions/{{version}}",
                "Get or add/create a pacticipant version for a branch",
            ),
            "pb:pacticipant-version": (
                f"{one}/versions/{{version}}",
                "Get, create or delete a pacticipant version",
            ),
            "pb:can-i-deploy-pacticipant-version-to-tag": (
                f"{asked}&to={{tag}}",
                f"{deployable} identified by the given tag",
            ),
            "pb:can-i-deploy-pacticipant-version-to-environment": (
                f"{asked}&environment={{environment}}",
                deployable,
            ),
            "pb:provider-pacts-for-verification": (verify, "Pact versions to be verified for the specified provider"),
            "pb:environment": ("/environments/{uuid}", "Environment"),
        }
        links: Json = {
            **{name: rel(path, title, templated=False) for name, (path, title) in plain.items()},
            **{name: rel(path, title, templated=True) for name, (path, title) in templates.items()},
            "pb:metrics": rel("/metrics", "Get Pact Broker metrics"),
            "beta:provider-pacts-for-verification": rel(
                verify, "DEPRECATED - please use pb:provider-pacts-for-verification", templated=True, name="beta"
            ),
            "curies": [{"name": name, "href": doc, "templated": True} for name in ("pb", "beta")],
        }
        if self.store.is_pactflow:
            publish = "/provider-contracts/provider/{provider}/publish"
            links["pf:publish-provider-contract"] = rel(publish, "Publish provider contract", templated=True)
        return {"_links": links}

    def pacticipant(self, pacticipant: Pacticipant, *, full: bool = True) -> Json:
        name = pacticipant.name
        href = self.of_pacticipant(name)
        latest = self.store.latest(name)
        embedded: Json = {"labels": []}
        if latest:
            deprecated = "DEPRECATED - please use latestVersion"
            embedded["latestVersion"] = self.embedded_version(latest)
            embedded["latest-version"] = {**self.embedded_version(latest), "title": deprecated, "name": deprecated}
        deployed = [each for each in self.store.current() if each.version.pacticipant == name and not each.released]
        return {
            "name": name,
            "displayName": " ".join(word.capitalize() for word in re.split(r"[\W_]+", name) if word),
            **({"repositoryUrl": pacticipant.repository_url} if pacticipant.repository_url else {}),
            **({"mainBranch": pacticipant.main_branch} if pacticipant.main_branch else {}),
            **_stamps(pacticipant.created, pacticipant.updated),
            "_embedded": embedded,
            "_links": {
                "self": link(href),
                "pb:versions": link(f"{href}/versions"),
                "pb:branches": link(f"{href}/branches"),
                **({"pb:deployed-environments": [self.deployed_link(each) for each in deployed]} if full else {}),
                "pb:version": link(
                    f"{href}/versions/{{version}}", "Get, create or delete a pacticipant version", templated=True
                ),
                "pb:version-tag": link(
                    f"{href}/versions/{{version}}/tags/{{tag}}",
                    f"Get, create or delete a tag for a version of {name}",
                    templated=True,
                ),
                "pb:branch-version": link(
                    f"{href}/branches/{{branch}}/versions/{{version}}",
                    f"Get or add/create a version for a branch of {name}",
                    templated=True,
                ),
                "pb:label": link(
                    f"{href}/labels/{{label}}", f"Get, create or delete a label for {name}", templated=True
                ),
                "versions": link(f"{href}/versions", "Deprecated - use pb:versions"),
                "pb:can-i-deploy-badge": link(
                    f"{href}/latest-version/{{tag}}/can-i-deploy/to/{{environmentTag}}/badge",
                    f"Can I Deploy {name} badge",
                    templated=True,
                ),
                "pb:can-i-deploy-branch-to-environment-badge": link(
                    f"{href}/branches/{{branch}}/latest-version/can-i-deploy/to-environment/{{environment}}/badge",
                    f"Can I Deploy {name} from branch to environment badge",
                    templated=True,
                ),
                "curies": self.curies("pacticipant"),
            },
        }

    def pacticipants(self) -> Json:
        all_of_them = sorted(self.store.pacticipants.values(), key=lambda each: each.name)
        return {
            "_embedded": {"pacticipants": [self.pacticipant(each, full=False) for each in all_of_them]},
            "_links": {
                "self": link(self.to("pacticipants")),
                "pb:pacticipants-with-label": link(
                    f"{self.to('pacticipants', 'label')}/{{label}}", "Find pacticipants by label", templated=True
                ),
                "pb:pacticipants": [
                    link(self.of_pacticipant(each.name), "Pacticipant", each.name) for each in all_of_them
                ],
            },
        }

    def deployed_link(self, deployment: Deployment) -> Json:
        name = self.store.environments[deployment.environment].display_name
        kind = "released" if deployment.released else "deployed"
        href = self.to(f"{kind}-versions", deployment.uuid)
        flag = "currently_supported" if deployment.released else "currently_deployed"
        return link(href, f"Version {kind} to {name}", name, **{flag: deployment.current})

    def embedded_version(self, version: Version) -> Json:
        return {"number": version.number, "_links": {"self": self.version_link(version)}}

    def version_link(self, version: Version, title: str = "Version") -> Json:
        return link(self.of_version(version), title, version.number)

    def branch_versions(self, version: Version) -> list[Json]:
        return [
            {
                "name": branch,
                "latest": self.store.latest(version.pacticipant, branch=branch) is version,
                "_links": {"self": link(self.of_branch_version(version, branch), "Branch version", branch)},
            }
            for branch in version.branches
        ]

    def tags(self, version: Version) -> list[Json]:
        return [{"name": tag, "_links": {"self": link(self.of_tag(version, tag), "Tag", tag)}} for tag in version.tags]

    def version(self, version: Version, self_href: str | None = None) -> Json:
        """`self_href` is the address of a resource such as the latest version, which names itself."""
        href = self.of_version(version)
        environments = sorted(self.store.environments.values(), key=lambda each: each.name)
        recorded = [each for each in self.store.deployments if each.version is version]
        pacts = [each for each in self.store.pacts if each.version is version]
        name, number = quote(version.pacticipant, safe=""), quote(version.number, safe="")
        return {
            "number": version.number,
            **({"buildUrl": version.build_url} if version.build_url else {}),
            **_stamps(version.created, version.updated),
            "_embedded": {"branchVersions": self.branch_versions(version), "tags": self.tags(version)},
            "_links": {
                "self": link(self_href or href, "Version", version.number),
                "pb:pacticipant": link(self.of_pacticipant(version.pacticipant), "Pacticipant", version.pacticipant),
                "pb:tag": link(
                    f"{href}/tags/{{tag}}", "Get, create or delete a tag for this pacticipant version", templated=True
                ),
                "pb:latest-verification-results-where-pacticipant-is-consumer": link(
                    f"{self.url}/verification-results/consumer/{name}/version/{number}/latest",
                    "Latest verification results for consumer version",
                ),
                "pb:pact-versions": [link(self.of_pact(each), "Pact", each.name) for each in pacts],
                "pb:deployed-environments": [self.deployed_link(each) for each in recorded if not each.released],
                "pb:released-environments": [self.deployed_link(each) for each in recorded if each.released],
                "pb:record-deployment": [
                    self._record_link(href, "deploy", "deployment", each) for each in environments
                ],
                "pb:record-release": [self._record_link(href, "release", "release", each) for each in environments],
                "curies": self.curies("version"),
            },
        }

    def _record_link(self, href: str, verb: str, noun: str, environment: Environment) -> Json:
        past = {"deploy": "deployed", "release": "released"}[verb]
        return link(
            href + at(f"{past}-versions", "environment", environment.uuid),
            f"Record {noun} to {environment.display_name}",
            environment.name,
        )

    def branch(self, pacticipant: str, branch: str) -> Json:
        href = self.to("pacticipants", pacticipant, "branches", branch)
        first = next(each for each in self.store.versions(pacticipant) if branch in each.branches)
        return {
            "name": branch,
            **_stamps(first.created, None),
            "_links": {
                "self": link(href, "Branch"),
                "pb:latest-version": link(f"{href}/latest-version", "Latest version for branch"),
            },
        }

    def branch_version(self, version: Version, branch: str, *, created: bool) -> Json:
        return {
            **_stamps(version.created, None if created else version.updated),
            "_links": {
                "self": link(self.of_branch_version(version, branch), "Branch version"),
                "pb:branch": link(self.to("pacticipants", version.pacticipant, "branches", branch), "Branch", branch),
                "pb:version": self.version_link(version),
            },
        }

    def tag(self, version: Version, tag: str) -> Json:
        return {
            "name": tag,
            "createdAt": version.updated,
            "_links": {
                "self": link(self.of_tag(version, tag), "Tag", tag),
                "version": self.version_link(version),
                "pacticipant": link(self.of_pacticipant(version.pacticipant), "Pacticipant", version.pacticipant),
            },
        }

    def pact(self, pact: Pact, encoded: str | None, named: Iterable[Version]) -> Json:
        """`encoded` is the metadata for the results' URL, `named` are the versions in it."""
        base, of_pact, of_content = self.of_integration(pact), self.of_pact(pact), self.of_content(pact)
        version, of_version = pact.version, self.of_version(pact.version)
        versions = [self.version_link(each, "Consumer version") for each in named]
        query = f"q%5B%5D%5Bpacticipant%5D={quote(pact.consumer)}&q%5B%5D%5Bversion%5D={quote(version.number)}"
        links = {
            "self": link(of_pact, "Pact", pact.name),
            "pb:consumer": link(self.of_pacticipant(pact.consumer), "Consumer", pact.consumer),
            "pb:consumer-version": self.version_link(version, "Consumer version"),
            **({"pb:consumer-versions": versions} if versions else {}),
            "pb:provider": link(self.of_pacticipant(pact.provider), "Provider", pact.provider),
            "pb:pact-version": link(of_content, "Pact content version permalink", pact.sha),
            "pb:latest-pact-version": link(f"{base}/latest", "Latest version of this pact"),
            "pb:all-pact-versions": link(f"{base}/versions", "All versions of this pact"),
            "pb:latest-untagged-pact-version": link(f"{base}/latest-untagged", "Latest untagged version of this pact"),
            "pb:latest-tagged-pact-version": link(
                f"{base}/latest/{{tag}}", "Latest tagged version of this pact", templated=True
            ),
            "pb:previous-distinct": link(f"{of_pact}/previous-distinct", "Previous distinct version of this pact"),
            "pb:diff-previous-distinct": link(
                f"{of_pact}/diff/previous-distinct", "Diff with previous distinct version of this pact"
            ),
            "pb:diff": link(
                f"{of_content}/diff/pact-version/{{pactVersion}}",
                "Diff with another specified version of this pact",
                templated=True,
            ),
            "pb:pact-webhooks": link(
                self.to("webhooks", "provider", pact.provider, "consumer", pact.consumer),
                f"Webhooks for the pact between {pact.consumer} and {pact.provider}",
            ),
            # So says the real broker, "consumer" and all.
            "pb:consumer-webhooks": link(
                self.to("webhooks", "consumer", pact.provider),
                f"Webhooks for all pacts with provider {pact.provider}",
            ),
            "pb:tag-prod-version": link(
                f"{of_version}/tags/prod", "PUT to this resource to tag this consumer version as 'production'"
            ),
            "pb:tag-version": link(f"{of_version}/tags/{{tag}}", "PUT to this resource to tag this consumer version"),
            "pb:publish-verification-results": link(
                f"{self.of_content(pact, encoded)}/verification-results", "Publish verification results"
            ),
            "pb:latest-verification-results": link(f"{of_content}/verification-results/latest"),
            "pb:triggered-webhooks": link(
                f"{of_pact}/triggered-webhooks", "Webhooks triggered by the publication of this pact"
            ),
            "pb:matrix-for-consumer-version": link(
                f"{self.url}/matrix?{query}&latestby=cvpv",
                "View matrix rows for the consumer version to which this pact belongs",
            ),
            "curies": self.curies("pact"),
        }
        return {**with_ids(pact.content), "createdAt": pact.created, "_links": links}

    def result(self, result: Result, pact: Pact) -> Json:
        body = result.body
        verified_by = dict(body.get("verifiedBy", {}))
        language = verified_by.pop("clientLanguage", {})
        flat = {
            "client_implementation": language.get("name"),
            "client_test_framework": language.get("testFramework"),
            "client_version": language.get("version"),
        }
        href = self.of_result(result, pact)
        return {
            "providerName": result.provider,
            "providerApplicationVersion": result.provider_version,
            "success": result.success,
            "verificationDate": result.created,
            **{key: body[key] for key in ("buildUrl", "testResults") if key in body},
            "verifiedBy": {**verified_by, **{key: value for key, value in flat.items() if value is not None}},
            "_links": {
                "self": link(href, "Verification result", f"Verification result {result.number} for {pact.name}"),
                "pb:pact-version": link(
                    self.of_content(pact, metadata.for_version(pact.version.number)), "Pact", pact.name
                ),
                "pb:triggered-webhooks": link(
                    f"{href}/triggered-webhooks",
                    "Webhooks triggered by the publication of this verification result",
                ),
            },
        }

    def of_result(self, result: Result, pact: Pact, encoded: str | None = None) -> str:
        return f"{self.of_content(pact, encoded)}/verification-results/{result.number}"

    def environment(self, environment: Environment, *, full: bool = True) -> Json:
        href, shown = self.of_environment(environment), environment.display_name
        more = {
            "pb:currently-deployed-deployed-versions": link(
                f"{href}/deployed-versions/currently-deployed",
                f"Versions currently deployed to {shown} environment",
            ),
            "pb:currently-supported-released-versions": link(
                f"{href}/released-versions/currently-supported",
                f"Versions released and supported in {shown} environment",
            ),
            "pb:environments": link(self.to("environments"), "Environments"),
        }
        return {
            "uuid": environment.uuid,
            "name": environment.name,
            "displayName": shown,
            "production": environment.production,
            "createdAt": environment.created,
            "_links": {"self": link(href, "Environment", environment.name), **(more if full else {})},
        }

    def environments(self) -> Json:
        all_of_them = sorted(self.store.environments.values(), key=lambda each: each.name)
        return {
            "_embedded": {"environments": [self.environment(each) for each in all_of_them]},
            "_links": {
                "self": link(self.to("environments"), "Environments"),
                "pb:environments": [link(self.of_environment(each), "Environment", each.name) for each in all_of_them],
            },
        }

    def deployment(self, deployment: Deployment, *, full: bool = True) -> Json:
        kind, flag, end = (
            ("released", "currentlySupported", "supportEndedAt")
            if deployment.released
            else ("deployed", "currentlyDeployed", "undeployedAt")
        )
        name = deployment.version.pacticipant
        return {
            "uuid": deployment.uuid,
            flag: deployment.current,
            **({end: deployment.ended} if deployment.ended else {}),
            "createdAt": deployment.created,
            "_embedded": {
                "pacticipant": {"name": name, "_links": {"self": link(self.of_pacticipant(name))}},
                "version": self.embedded_version(deployment.version),
                **({"environment": self.environment(self.store.environments[deployment.environment])} if full else {}),
            },
            "_links": {"self": link(self.to(f"{kind}-versions", deployment.uuid))},
        }

    def currently_there(self, environment: Environment, *, released: bool) -> Json:
        there = [each for each in self.store.current(environment) if each.released == released][::-1]
        kind, path, shown = (
            ("releasedVersions", "released-versions/currently-supported", "supported versions in")
            if released
            else ("deployedVersions", "deployed-versions/currently-deployed", "deployed versions for")
        )
        href = f"{self.of_environment(environment)}/{path}"
        return {
            "_embedded": {kind: [self.deployment(each, full=False) for each in there]},
            "_links": {"self": link(href, f"Currently {shown} {environment.display_name}")},
        }

    def latest_pacts(self, provider: str) -> Json:
        pacts = [self.store.between(consumer, provider)[-1] for consumer in self.store.consumers_of(provider)]
        return {
            "_links": {
                "self": link(
                    self.to("pacts", "provider", provider, "latest"),
                    f"Latest pact versions for the provider {provider}",
                ),
                "pb:provider": link(self.of_pacticipant(provider), name=provider),
                "pb:pacts": [link(self.of_pact(each), each.name, each.consumer) for each in pacts],
            }
        }

    def webhook(self, webhook: Webhook) -> Json:
        body, request = webhook.body, webhook.body["request"]
        href = self.to("webhooks", webhook.uuid)
        named = {key: {"name": body[key]["name"]} for key in ("consumer", "provider") if body.get(key)}
        return {
            "uuid": webhook.uuid,
            **({"description": body["description"]} if "description" in body else {}),
            **named,
            "enabled": body.get("enabled", True),
            "request": {
                "method": request["method"],
                "url": request["url"],
                "headers": masked(request.get("headers", {})),
                **({"body": request["body"]} if "body" in request else {}),
            },
            "events": body.get("events", []),
            **_stamps(webhook.created, webhook.updated),
            "_links": {
                "self": link(href, body.get("description", "Webhook")),
                "pb:execute": link(
                    f"{href}/execute",
                    "Test the execution of the webhook with the latest matching pact or verification by sending a "
                    "POST request to this URL",
                ),
                **{
                    f"pb:{key}": link(self.of_pacticipant(each["name"]), key.capitalize(), each["name"])
                    for key, each in named.items()
                },
                "pb:webhooks": link(self.to("webhooks"), "All webhooks"),
            },
        }

    def webhooks(self) -> Json:
        href = self.to("webhooks")
        return {
            "_links": {
                "self": link(href, "Webhooks"),
                "pb:create": link(href, "POST to create a webhook"),
                "pb:webhooks": [
                    link(
                        self.to("webhooks", each.uuid),
                        f"A webhook for {self._scope(each)}",
                        each.body.get("description")
                        or f"{each.body['request']['method']} {each.body['request']['url']}",
                    )
                    for each in self.store.webhooks.values()
                ],
                "curies": [{"name": "pb", "href": f"{self.url}/doc/webhooks-{{rel}}", "templated": True}],
            }
        }

    def _scope(self, webhook: Webhook) -> str:
        if webhook.consumer and webhook.provider:
            return f"the pact between {webhook.consumer} and {webhook.provider}"
        if webhook.provider:
            return f"all pacts with provider {webhook.provider}"
        return f"all pacts with consumer {webhook.consumer}" if webhook.consumer else "all pacts"


def masked(headers: dict[str, str]) -> dict[str, str]:
    secret = ("authorization", "cookie", "x-auth-token", "x-api-key")
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: "**********" if name in secret else value for name, value in lower.items()}
