pytest_plugins = ["pytest_xdist_config"]
