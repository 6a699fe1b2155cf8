"""The build of a CI service that runs this process, as the service's environment variables describe it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import quote, urlsplit

HEADS, REFS = "refs/heads/", "refs/"
UNRESOLVED = "HEAD"
"""What Buildkite names as the commit of a build that was started for the newest one."""

URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%"
"""What a URL may hold beside letters, digits and -._~ (RFC 3986)."""


@dataclass(frozen=True, slots=True)
class Service:
    """The variables of a CI service.

    `VARIABLE=pattern` means that the variable's value matches. A name alone means that it is set, and not to false.

    Attributes:
        marker: tells that the process runs in this service.
        commit: the commit that is built.
        branch: the branch that is built. Of several variables the first that is set counts.
        build_url: the page of the build, with variables in braces.
        source_branch: the source branch of a pull or merge request. It takes precedence over `branch`.
        request: tells that the build is of a pull or merge request.
        tag: tells that a tag is built. `branch` names the tag then, so the build has no branch.
    """

    name: str
    marker: str
    commit: str
    branch: tuple[str, ...]
    build_url: str | None
    source_branch: str | None = None
    request: str | None = None
    tag: str | None = None


GITHUB = Service(
    name="GitHub Actions",
    marker="GITHUB_ACTIONS",
    commit="GITHUB_SHA",
    source_branch="GITHUB_HEAD_REF",
    branch=("GITHUB_REF_NAME",),
    build_url="{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    request="GITHUB_HEAD_REF",
    tag="GITHUB_REF_TYPE=tag",
)
JENKINS = Service(
    name="Jenkins",
    marker="JENKINS_URL",
    commit="GIT_COMMIT",
    source_branch="CHANGE_BRANCH",
    branch=("GIT_LOCAL_BRANCH", "BRANCH_NAME"),  # after GIT_BRANCH, which named_branch reads
    build_url="{BUILD_URL}",
    request="CHANGE_ID",
    tag="TAG_NAME",
)
SERVICES = (
    GITHUB,
    Service(
        name="GitLab CI",
        marker="GITLAB_CI",
        commit="CI_COMMIT_SHA",
        source_branch="CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        branch=("CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME"),
        build_url="{CI_JOB_URL}",
        request="CI_MERGE_REQUEST_IID",
        tag="CI_COMMIT_TAG",
    ),
    Service(
        name="Bitbucket Pipelines",
        marker="BITBUCKET_BUILD_NUMBER",
        commit="BITBUCKET_COMMIT",
        branch=("BITBUCKET_BRANCH",),
        build_url="https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
        request="BITBUCKET_PR_ID",
        tag="BITBUCKET_TAG",
    ),
    Service(
        name="Azure Pipelines",
        marker="TF_BUILD",
        commit="BUILD_SOURCEVERSION",
        source_branch="SYSTEM_PULLREQUEST_SOURCEBRANCH",
        branch=("BUILD_SOURCEBRANCH",),
        build_url="{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        request="SYSTEM_PULLREQUEST_PULLREQUESTID",
    ),
    Service(
        name="CircleCI",
        marker="CIRCLECI",
        commit="CIRCLE_SHA1",
        branch=("CIRCLE_BRANCH",),
        build_url="{CIRCLE_BUILD_URL}",
        request="CIRCLE_PULL_REQUEST",
        tag="CIRCLE_TAG",
    ),
    Service(
        name="Buildkite",
        marker="BUILDKITE",
        commit="BUILDKITE_COMMIT",
        branch=("BUILDKITE_BRANCH",),
        build_url="{BUILDKITE_BUILD_URL}",
        request="BUILDKITE_PULL_REQUEST",
        tag="BUILDKITE_TAG",
    ),
    Service(
        name="TeamCity",
        marker="TEAMCITY_VERSION",
        commit="BUILD_VCS_NUMBER",
        branch=(),
        build_url="{BUILD_URL}",
    ),
    Service(
        name="Travis CI",
        marker="TRAVIS",
        commit="TRAVIS_COMMIT",
        source_branch="TRAVIS_PULL_REQUEST_BRANCH",
        branch=("TRAVIS_BRANCH",),
        build_url="{TRAVIS_BUILD_WEB_URL}",
        request="TRAVIS_PULL_REQUEST",
        tag="TRAVIS_TAG",
    ),
    Service(
        name="AppVeyor",
        marker="APPVEYOR",
        commit="APPVEYOR_REPO_COMMIT",
        source_branch="APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH",
        branch=("APPVEYOR_REPO_BRANCH",),
        build_url=("{APPVEYOR_URL}/project/{APPVEYOR_ACCOUNT_NAME}/{APPVEYOR_PROJECT_SLUG}/builds/{APPVEYOR_BUILD_ID}"),
        request="APPVEYOR_PULL_REQUEST_NUMBER",
        tag="APPVEYOR_REPO_TAG",
    ),
    Service(
        name="AWS CodeBuild",
        marker="CODEBUILD_BUILD_ID",
        commit="CODEBUILD_RESOLVED_SOURCE_VERSION",
        branch=("CODEBUILD_WEBHOOK_HEAD_REF",),
        build_url="{CODEBUILD_BUILD_URL}",
        request="CODEBUILD_WEBHOOK_TRIGGER=pr/*",
    ),
    Service(
        name="Bamboo",
        marker="bamboo_planKey",
        commit="bamboo_planRepository_revision",
        source_branch="bamboo_repository_pr_sourceBranch",
        branch=("bamboo_planRepository_branchName",),
        build_url="{bamboo_buildResultsUrl}",
        request="bamboo_repository_pr_key",
    ),
    Service(
        name="Cirrus CI",
        marker="CIRRUS_CI",
        commit="CIRRUS_CHANGE_IN_REPO",
        branch=("CIRRUS_BRANCH",),
        build_url="https://cirrus-ci.com/task/{CIRRUS_TASK_ID}",
        request="CIRRUS_PR",
        tag="CIRRUS_TAG",
    ),
    Service(
        name="Codefresh",
        marker="CF_BUILD_ID",
        commit="CF_REVISION",
        branch=("CF_BRANCH",),
        build_url="{CF_BUILD_URL}",
        request="CF_PULL_REQUEST_NUMBER",
    ),
    Service(
        name="CodeShip",
        marker="CI_NAME=codeship",
        commit="CI_COMMIT_ID",
        branch=("CI_BRANCH",),
        build_url="{CI_BUILD_URL}",
    ),
    Service(
        name="Drone",
        marker="DRONE",
        commit="DRONE_COMMIT_SHA",
        source_branch="DRONE_SOURCE_BRANCH",
        branch=("DRONE_BRANCH",),
        build_url="{DRONE_BUILD_LINK}",
        request="DRONE_PULL_REQUEST",
        tag="DRONE_TAG",
    ),
    Service(
        name="Heroku CI",
        marker="HEROKU_TEST_RUN_ID",
        commit="HEROKU_TEST_RUN_COMMIT_VERSION",
        branch=("HEROKU_TEST_RUN_BRANCH",),
        build_url=None,
    ),
    Service(
        name="Semaphore",
        marker="SEMAPHORE",
        commit="SEMAPHORE_GIT_SHA",
        source_branch="SEMAPHORE_GIT_PR_BRANCH",
        branch=("SEMAPHORE_GIT_BRANCH",),
        build_url="{SEMAPHORE_ORGANIZATION_URL}/workflows/{SEMAPHORE_WORKFLOW_ID}",
        request="SEMAPHORE_GIT_PR_NUMBER",
        tag="SEMAPHORE_GIT_REF_TYPE=tag",
    ),
    Service(
        name="Woodpecker CI",
        marker="CI=woodpecker",
        commit="CI_COMMIT_SHA",
        source_branch="CI_COMMIT_SOURCE_BRANCH",
        branch=("CI_COMMIT_BRANCH",),
        build_url="{CI_PIPELINE_URL}",
        request="CI_COMMIT_PULL_REQUEST",
        tag="CI_COMMIT_TAG",
    ),
    JENKINS,
)
"""Every service that is detected. Jenkins is last, since its variables are the least special."""


@dataclass(frozen=True, slots=True)
class Build:
    """A build of a CI service. What its variables don't say is None.

    Attributes:
        service: the service's name.
        is_request: whether the build is of a pull or merge request.
    """

    service: str
    commit: str | None
    branch: str | None
    url: str | None
    is_request: bool


def detect_build(environ: Mapping[str, str]) -> Build | None:
    """Return the build that this process is part of; None outside of CI.

    All values are from one service, since another service's variables may be left over.

    Args:
        environ: the environment. An empty variable counts as unset.
    """
    environ = _stripped(environ)
    service = _service(environ)
    if not service:
        return None
    commit = environ.get(service.commit)
    return Build(
        service.name,
        None if commit == UNRESOLVED else commit,
        _branch(service, environ),
        _url(service, environ),
        bool(service.request and _holds(service.request, environ)),
    )


def named_branch(environ: Mapping[str, str]) -> str | None:
    """Return the branch that GIT_BRANCH names; None if it names none.

    Jenkins sets GIT_BRANCH itself: to the remote and the branch, to the name of a pull request or to a tag.
    """
    environ = _stripped(environ)
    branch = environ.get("GIT_BRANCH", "").removeprefix(HEADS)
    if _service(environ) is not JENKINS:
        return branch or None
    job, short = environ.get("BRANCH_NAME"), branch.removeprefix("origin/")
    if short == "detached" or (short == job and environ.keys() & {"CHANGE_BRANCH", "TAG_NAME"}):
        return None
    return (branch if branch == job else short) or None


def _stripped(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: stripped for name, value in environ.items() if (stripped := value.strip())}


def _service(environ: Mapping[str, str]) -> Service | None:
    """Return the first service whose marker holds.

    A container often gets some of GitHub's variables without the marker. They count where no marker holds.
    """
    found = next((service for service in SERVICES if _holds(service.marker, environ)), None)
    return found or (GITHUB if environ.keys() & {"GITHUB_SHA", "GITHUB_REF_TYPE", "GITHUB_RUN_ID"} else None)


def _holds(condition: str, environ: Mapping[str, str]) -> bool:
    name, _, pattern = condition.partition("=")
    value = environ.get(name, "")
    return fnmatchcase(value, pattern) if pattern else value.lower() not in {"", "false"}


def _branch(service: Service, environ: Mapping[str, str]) -> str | None:
    """Return the branch that is built: a request's source branch, or the branch that was pushed to.

    A ref that is no head, such as refs/pull/7/merge, is no branch.
    """
    names: tuple[str, ...] = (service.source_branch,) if service.source_branch else ()
    if not (service.tag and _holds(service.tag, environ)):
        names += service.branch
    branch = next((environ[name] for name in names if name in environ), "").removeprefix(HEADS)
    return None if branch.startswith(REFS) else branch or None


def _url(service: Service, environ: Mapping[str, str]) -> str | None:
    """Return the page of the build, unless a part of its URL is missing or the URL holds credentials."""
    names = re.findall(r"{(\w+)}", service.build_url or "")
    if not service.build_url or not environ.keys() >= set(names):
        return None
    url = service.build_url.format_map({name: quote(environ[name], safe=URL_CHARACTERS) for name in names})
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc else None
