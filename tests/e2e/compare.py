"""Runs a project through rowlock, and through plain pytest to compare."""


def run(project, *args, env=None, cwd=None):
    """Runs rowlock; the result's outcomes and workers are those of its report."""
    project.path("report.json").unlink(missing_ok=True)
    report = f"--report-json={project.path('report.json')}"
    done = project.rowlock(report, *args, env=env, cwd=cwd)
    if project.path("report.json").exists():
        done.outcomes = project.outcomes()
        done.workers = {test["worker"] for test in project.report()["tests"]}
    return done


def same(project, *args, more=(), env=None):
    """Runs pytest with args and rowlock with args and more; they have to say the same."""
    plain = project.pytest_plain(*args, env=env)
    done = run(project, *args, *more, env=env)
    assert done.returncode == plain.returncode, (done, plain)
    assert (done.outcomes or {}) == (plain.outcomes or {}), (done, plain)
    return done
