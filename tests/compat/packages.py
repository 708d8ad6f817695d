"""The published packages whose own suites are run. Each differs from the others in kind."""

from collections import namedtuple

# name and version as published; what is particular about its suite; what its tests need
# besides pytest; arguments for pytest.
Package = namedtuple("Package", "name version kind needs args")

PACKAGES = [
    Package(
        "itsdangerous",
        "2.2.0",
        "classes with inherited tests, class-scoped parametrization, warnings are errors",
        ["freezegun==1.5.5"],
        [],
    ),
    Package(
        "inflection",
        "0.5.1",
        "one module of parametrized tests, no configuration",
        [],
        ["test_inflection.py"],
    ),
    Package(
        "markupsafe",
        "3.0.4",
        "a C extension, and every test once for it and once for Python",
        [],
        [],
    ),
    Package(
        "toolz",
        "1.2.0",
        "plain functions inside the package, configured by pyproject.toml",
        [],
        [],
    ),
    Package(
        "pluggy",
        "1.7.0",
        "tests the plugin library that pytest itself runs on",
        [],
        [],
    ),
    Package(
        "more-itertools",
        "11.2.1",
        "unittest classes with thousands of subtests",
        [],
        ["tests/test_recipes.py"],
    ),
    Package(
        "click",
        "8.5.1",
        "thousands of parametrized tests that capture terminals, 31,000 deselected by addopts",
        [],
        [],
    ),
    Package(
        "attrs",
        "26.1.0",
        "property-based tests with hypothesis, generated classes",
        ["hypothesis==6.170.15", "cloudpickle==3.1.2"],
        [],
    ),
]

# The one for CI: small, and still with fixtures, classes and a dependency.
CI = ["itsdangerous"]
