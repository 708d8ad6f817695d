"""Whether a project's tests can be collected file by file, in different processes."""

# Implementations of these see, or change, what is collected as a whole.
HOOKS = (
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_collection_finish",
    "pytest_collectreport",
    "pytest_collectstart",
    "pytest_itemcollected",
    "pytest_make_collect_report",
    "pytest_deselected",
    "pytest_report_collectionfinish",
    "pytest_runtestloop",
    "pytest_xdist_make_scheduler",
    "pytest_xdist_node_collection_finished",
)
# These do nothing there that depends on other files' tests.
KNOWN = ("_pytest.", "rowlock_pytest.", "xdist.", "pytest_cov.", "_hypothesis_pytestplugin.")
# Options of pytest's that look at all tests, or choose some of them.
OPTIONS = (
    ("lf", "--lf"),
    ("failedfirst", "--ff"),
    ("newfirst", "--nf"),
    ("stepwise", "--sw"),
    ("stepwise_skip", "--sw-skip"),
    ("keepduplicates", "--keep-duplicates"),
)


def why_one_process(config, settings, start):
    """Why it is better that one process collects, in words; "" if nothing is gained
    otherwise; None if there is nothing against several."""
    if settings.collectors < 2 or settings.workers < 2 or settings.sequential:
        return ""
    if config.option.collectonly or start.how == "spawn":
        return ""
    if settings.dist == "each":
        return "each worker runs all tests"
    if settings.dist == "worksteal":
        return "--dist worksteal deals tests out whatever their files"
    for name, option in OPTIONS:
        if getattr(config.option, name, None):
            return f"{option} chooses among all tests"
    if any("::" in str(arg) for arg in config.args):
        return "single tests were named"
    return find_hook(config)


def module_of(plugin):
    return getattr(plugin, "__name__", None) or type(plugin).__module__


def name_of(impl):
    """The plugin's name; of an object without one, that of its class."""
    if impl.plugin_name.isdigit():
        return f"{module_of(impl.plugin)}.{type(impl.plugin).__name__}"
    return impl.plugin_name


def find_hook(config):
    for name in HOOKS:
        caller = getattr(config.pluginmanager.hook, name, None)
        for impl in caller.get_hookimpls() if caller is not None else ():
            if f"{module_of(impl.plugin)}.".startswith(KNOWN):
                continue
            return f"{name_of(impl)} implements {name}"
    return None


def spans_files(item):
    """Whether pytest may put it beside tests of other files, for a parameter's sake."""
    spec = getattr(item, "callspec", None)
    if spec is None:
        return False
    scopes = getattr(spec, "_arg2scope", {})
    return any(scope.value in ("session", "package") for scope in scopes.values())
