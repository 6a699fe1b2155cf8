"""What the variables of each CI service say of its build."""

from collections.abc import Mapping

import pytest

from pact_verification.broker.build import SERVICES, Build, detect_build
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

# Of each service: a push to a branch, a pull or merge request, and a tag, as its documentation has them.
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": "aaaa",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "me/it",
    "GITHUB_RUN_ID": "7",
}
GITLAB = {"GITLAB_CI": "true", "CI_COMMIT_SHA": "aaaa", "CI_JOB_URL": "https://gitlab.example/me/it/-/jobs/7"}
BITBUCKET = {"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_COMMIT": "aaaa", "BITBUCKET_REPO_FULL_NAME": "me/it"}
AZURE = {
    "TF_BUILD": "True",
    "BUILD_SOURCEVERSION": "aaaa",
    "BUILD_BUILDID": "7",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/me/",
    "SYSTEM_TEAMPROJECT": "our shop",
}
CIRCLE = {"CIRCLECI": "true", "CIRCLE_SHA1": "aaaa", "CIRCLE_BUILD_URL": "https://circleci.com/gh/me/it/7"}
BUILDKITE = {
    "BUILDKITE": "true",
    "BUILDKITE_COMMIT": "aaaa",
    "BUILDKITE_PULL_REQUEST": "false",
    "BUILDKITE_BUILD_URL": "https://buildkite.com/me/it/builds/7",
}
TRAVIS = {
    "TRAVIS": "true",
    "TRAVIS_COMMIT": "aaaa",
    "TRAVIS_PULL_REQUEST": "false",
    "TRAVIS_PULL_REQUEST_BRANCH": "",
    "TRAVIS_TAG": "",
    "TRAVIS_BUILD_WEB_URL": "https://app.travis-ci.com/me/it/builds/7",
}
APPVEYOR = {
    "APPVEYOR": "True",
    "APPVEYOR_REPO_COMMIT": "aaaa",
    "APPVEYOR_REPO_TAG": "false",
    "APPVEYOR_URL": "https://ci.appveyor.com",
    "APPVEYOR_ACCOUNT_NAME": "me",
    "APPVEYOR_PROJECT_SLUG": "it",
    "APPVEYOR_BUILD_ID": "7",
}
CODEBUILD = {
    "CODEBUILD_BUILD_ID": "it:7",
    "CODEBUILD_RESOLVED_SOURCE_VERSION": "aaaa",
    "CODEBUILD_BUILD_URL": "https://eu-west-1.console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/it:7",
}
BAMBOO = {
    "bamboo_planKey": "ME-IT",
    "bamboo_planRepository_revision": "aaaa",
    "bamboo_buildResultsUrl": "https://bamboo.example/browse/ME-IT-7",
}
CIRRUS = {"CIRRUS_CI": "true", "CIRRUS_CHANGE_IN_REPO": "aaaa", "CIRRUS_TASK_ID": "7"}
CODEFRESH = {"CF_BUILD_ID": "7", "CF_REVISION": "aaaa", "CF_BUILD_URL": "https://g.codefresh.io/build/7"}
DRONE = {"DRONE": "true", "DRONE_COMMIT_SHA": "aaaa", "DRONE_BUILD_LINK": "https://drone.example/me/it/7"}
SEMAPHORE = {
    "SEMAPHORE": "true",
    "SEMAPHORE_GIT_SHA": "aaaa",
    "SEMAPHORE_ORGANIZATION_URL": "https://me.semaphoreci.com",
    "SEMAPHORE_WORKFLOW_ID": "7",
}
WOODPECKER = {"CI": "woodpecker", "CI_COMMIT_SHA": "aaaa", "CI_PIPELINE_URL": "https://woodpecker.example/me/it/7"}

BUILDS: list[tuple[str, Mapping[str, str], str | None, str | None, bool]] = [
    *(
        ("GitHub Actions", GITHUB | more, branch, "https://github.com/me/it/actions/runs/7", is_request)
        for more, branch, is_request in [
            ({"GITHUB_REF_NAME": "feat/x", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": ""}, "feat/x", False),
            ({"GITHUB_REF_NAME": "7/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": "feat/x"}, "feat/x", True),
            ({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, None, False),
        ]
    ),
    *(
        ("GitLab CI", GITLAB | more, branch, "https://gitlab.example/me/it/-/jobs/7", is_request)
        for more, branch, is_request in [
            ({"CI_COMMIT_BRANCH": "feat/x", "CI_COMMIT_REF_NAME": "feat/x"}, "feat/x", False),
            (
                {
                    "CI_MERGE_REQUEST_IID": "3",
                    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feat/x",
                    "CI_COMMIT_REF_NAME": "refs/merge-requests/3/merge",
                },
                "feat/x",
                True,
            ),
            ({"CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"}, None, False),
            ({"CI_COMMIT_REF_NAME": "feat/x"}, "feat/x", False),
            ({"CI_COMMIT_REF_NAME": "refs/merge-requests/3/head"}, None, False),
        ]
    ),
    *(
        ("Bitbucket Pipelines", BITBUCKET | more, branch, "https://bitbucket.org/me/it/pipelines/results/7", is_request)
        for more, branch, is_request in [
            ({"BITBUCKET_BRANCH": "feat/x"}, "feat/x", False),
            ({"BITBUCKET_BRANCH": "feat/x", "BITBUCKET_PR_ID": "3"}, "feat/x", True),
            ({"BITBUCKET_TAG": "v1"}, None, False),
        ]
    ),
    *(
        (
            "Azure Pipelines",
            AZURE | more,
            branch,
            "https://dev.azure.com/me/our%20shop/_build/results?buildId=7",
            is_request,
        )
        for more, branch, is_request in [
            ({"BUILD_SOURCEBRANCH": "refs/heads/feat/x", "BUILD_SOURCEBRANCHNAME": "x"}, "feat/x", False),
            (
                {
                    "BUILD_SOURCEBRANCH": "refs/pull/3/merge",
                    "BUILD_SOURCEBRANCHNAME": "merge",
                    "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feat/x",
                    "SYSTEM_PULLREQUEST_PULLREQUESTID": "3",
                },
                "feat/x",
                True,
            ),
            (
                {"SYSTEM_PULLREQUEST_SOURCEBRANCH": "feat/x", "SYSTEM_PULLREQUEST_PULLREQUESTID": "3"},  # of GitHub's
                "feat/x",
                True,
            ),
            ({"BUILD_SOURCEBRANCH": "refs/tags/v1", "BUILD_SOURCEBRANCHNAME": "v1"}, None, False),
        ]
    ),
    ("CircleCI", CIRCLE | {"CIRCLE_BRANCH": "feat/x"}, "feat/x", "https://circleci.com/gh/me/it/7", False),
    ("CircleCI", CIRCLE | {"CIRCLE_TAG": "v1"}, None, "https://circleci.com/gh/me/it/7", False),
    *(
        ("Buildkite", BUILDKITE | more, branch, "https://buildkite.com/me/it/builds/7", is_request)
        for more, branch, is_request in [
            ({"BUILDKITE_BRANCH": "feat/x"}, "feat/x", False),
            ({"BUILDKITE_BRANCH": "feat/x", "BUILDKITE_PULL_REQUEST": "3"}, "feat/x", True),
            ({"BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"}, None, False),
        ]
    ),
    ("TeamCity", {"TEAMCITY_VERSION": "2025.11", "BUILD_VCS_NUMBER": "aaaa"}, None, None, False),
    *(
        ("Travis CI", TRAVIS | more, branch, "https://app.travis-ci.com/me/it/builds/7", is_request)
        for more, branch, is_request in [
            ({"TRAVIS_BRANCH": "feat/x"}, "feat/x", False),
            (
                {"TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST": "3", "TRAVIS_PULL_REQUEST_BRANCH": "feat/x"},
                "feat/x",
                True,
            ),
            ({"TRAVIS_BRANCH": "v1", "TRAVIS_TAG": "v1"}, None, False),
        ]
    ),
    *(
        ("AppVeyor", APPVEYOR | more, branch, "https://ci.appveyor.com/project/me/it/builds/7", is_request)
        for more, branch, is_request in [
            ({"APPVEYOR_REPO_BRANCH": "feat/x"}, "feat/x", False),
            (
                {
                    "APPVEYOR_REPO_BRANCH": "main",
                    "APPVEYOR_PULL_REQUEST_NUMBER": "3",
                    "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH": "feat/x",
                },
                "feat/x",
                True,
            ),
            ({"APPVEYOR_REPO_BRANCH": "v1", "APPVEYOR_REPO_TAG": "true"}, None, False),
        ]
    ),
    *(
        ("AWS CodeBuild", CODEBUILD | more, branch, CODEBUILD["CODEBUILD_BUILD_URL"], is_request)
        for more, branch, is_request in [
            (
                {"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feat/x", "CODEBUILD_WEBHOOK_TRIGGER": "branch/feat/x"},
                "feat/x",
                False,
            ),
            ({"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feat/x", "CODEBUILD_WEBHOOK_TRIGGER": "pr/3"}, "feat/x", True),
            ({"CODEBUILD_WEBHOOK_HEAD_REF": "refs/tags/v1", "CODEBUILD_WEBHOOK_TRIGGER": "tag/v1"}, None, False),
        ]
    ),
    *(
        ("Bamboo", BAMBOO | more, branch, "https://bamboo.example/browse/ME-IT-7", is_request)
        for more, branch, is_request in [
            ({"bamboo_planRepository_branchName": "feat/x"}, "feat/x", False),
            (
                {
                    "bamboo_planRepository_branchName": "main",
                    "bamboo_repository_pr_key": "3",
                    "bamboo_repository_pr_sourceBranch": "feat/x",
                },
                "feat/x",
                True,
            ),
        ]
    ),
    ("Cirrus CI", CIRRUS | {"CIRRUS_BRANCH": "feat/x"}, "feat/x", "https://cirrus-ci.com/task/7", False),
    (
        "Cirrus CI",
        CIRRUS | {"CIRRUS_BRANCH": "pull/3", "CIRRUS_PR": "3"},
        "pull/3",
        "https://cirrus-ci.com/task/7",
        True,
    ),
    ("Codefresh", CODEFRESH | {"CF_BRANCH": "feat/x"}, "feat/x", "https://g.codefresh.io/build/7", False),
    (
        "Codefresh",
        CODEFRESH | {"CF_BRANCH": "feat/x", "CF_PULL_REQUEST_NUMBER": "3"},
        "feat/x",
        "https://g.codefresh.io/build/7",
        True,
    ),
    (
        "CodeShip",
        {
            "CI_NAME": "codeship",
            "CI_COMMIT_ID": "aaaa",
            "CI_BRANCH": "feat/x",
            "CI_BUILD_URL": "https://codeship.com/7",
        },
        "feat/x",
        "https://codeship.com/7",
        False,
    ),
    *(
        ("Drone", DRONE | more, branch, "https://drone.example/me/it/7", is_request)
        for more, branch, is_request in [
            ({"DRONE_BRANCH": "feat/x", "DRONE_SOURCE_BRANCH": "feat/x"}, "feat/x", False),
            (
                {"DRONE_BRANCH": "main", "DRONE_SOURCE_BRANCH": "feat/x", "DRONE_PULL_REQUEST": "3"},
                "feat/x",
                True,
            ),
            ({"DRONE_BRANCH": "v1", "DRONE_TAG": "v1"}, None, False),
        ]
    ),
    (
        "Heroku CI",
        {
            "HEROKU_TEST_RUN_ID": "7",
            "HEROKU_TEST_RUN_COMMIT_VERSION": "aaaa",
            "HEROKU_TEST_RUN_BRANCH": "feat/x",
        },
        "feat/x",
        None,
        False,
    ),
    *(
        ("Semaphore", SEMAPHORE | more, branch, "https://me.semaphoreci.com/workflows/7", is_request)
        for more, branch, is_request in [
            ({"SEMAPHORE_GIT_BRANCH": "feat/x", "SEMAPHORE_GIT_REF_TYPE": "branch"}, "feat/x", False),
            (
                {
                    "SEMAPHORE_GIT_BRANCH": "main",
                    "SEMAPHORE_GIT_REF_TYPE": "pull-request",
                    "SEMAPHORE_GIT_PR_BRANCH": "feat/x",
                    "SEMAPHORE_GIT_PR_NUMBER": "3",
                },
                "feat/x",
                True,
            ),
            ({"SEMAPHORE_GIT_BRANCH": "refs/tags/v1", "SEMAPHORE_GIT_REF_TYPE": "tag"}, None, False),
        ]
    ),
    *(
        ("Woodpecker CI", WOODPECKER | more, branch, "https://woodpecker.example/me/it/7", is_request)
        for more, branch, is_request in [
            ({"CI_COMMIT_BRANCH": "feat/x"}, "feat/x", False),
            (
                {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_SOURCE_BRANCH": "feat/x", "CI_COMMIT_PULL_REQUEST": "3"},
                "feat/x",
                True,
            ),
            ({"CI_COMMIT_BRANCH": "main", "CI_COMMIT_TAG": "v1"}, None, False),
        ]
    ),
    (
        "Jenkins",
        {
            "JENKINS_URL": "https://jenkins.example/",
            "GIT_COMMIT": "aaaa",
            "BRANCH_NAME": "PR-3",
            "CHANGE_BRANCH": "feat/x",
            "CHANGE_ID": "3",
            "BUILD_URL": "https://jenkins.example/job/it/7/",
        },
        "feat/x",
        "https://jenkins.example/job/it/7/",
        True,
    ),
]


@pytest.mark.parametrize(("service", "environ", "branch", "url", "is_request"), BUILDS)
def test_each_service(
    service: str, environ: Mapping[str, str], branch: str | None, url: str | None, is_request: bool
) -> None:
    assert detect_build(environ) == Build(service, "aaaa", branch, url, is_request)


def test_no_service_is_without_a_test() -> None:
    assert {service.name for service in SERVICES} == {service for service, *_ in BUILDS}


def test_the_documentation_has_the_same_table() -> None:
    def code(*names: str | None) -> str:
        return ", ".join(f"`{name}`" for name in names if name) or "none"

    for service in SERVICES:
        cells = [code(service.marker), code(*service.branch), code(service.request, service.source_branch)]
        cells += [code(service.tag), code(service.commit), code(service.build_url)]
        assert f"\n| {service.name} | {' | '.join(cells)} |\n" in (ROOT / "docs/howto/ci.md").read_text()


def test_a_commit_that_is_not_known_yet() -> None:
    build = detect_build(BUILDKITE | {"BUILDKITE_COMMIT": "HEAD"})
    assert build
    assert build.commit is None  # git knows it


def test_outside_of_ci() -> None:
    for environ in ({}, {"CI": "true"}, {"GITLAB_CI": "", "CI_COMMIT_BRANCH": "main"}, {"TRAVIS": "false"}):
        assert detect_build(environ) is None


def test_all_is_from_one_service() -> None:
    """What another has left over fills no gap."""
    left_over = GITHUB | {"GITHUB_ACTIONS": "", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
    tag = {"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1"}
    assert detect_build(left_over | tag) == Build("GitLab CI", None, None, None, is_request=False)


def test_a_container_with_some_of_githubs_variables() -> None:
    found = detect_build({"GITHUB_SHA": "aaaa", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"})
    assert found == Build("GitHub Actions", "aaaa", "main", None, is_request=False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://gitlab.example/it/-/jobs/7", "https://gitlab.example/it/-/jobs/7"),
        ("https://gitlab.example/größe\n/a b", "https://gitlab.example/gr%C3%B6%C3%9Fe%0A/a%20b"),
        ("https://job:t0ken@gitlab.example/it", None),
        ("javascript:alert(1)", None),
        ("gitlab.example/it", None),
        ("https://", None),
        ("https://[", None),
    ],
)
def test_a_build_url_that_others_may_follow(url: str, shown: str | None) -> None:
    build = detect_build(GITLAB | {"CI_JOB_URL": url})
    assert build
    assert build.url == shown
