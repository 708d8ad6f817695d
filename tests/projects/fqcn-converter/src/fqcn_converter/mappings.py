"""The module names that are known without any configuration, and the words of a task that
are no module names at all."""

from __future__ import annotations

COLLECTIONS = {
    "ansible.builtin": """
        add_host apt apt_key apt_repository assemble assert async_status blockinfile command
        copy cron deb822_repository debconf debug dnf dnf5 dpkg_selections expect fail fetch
        file find gather_facts get_url getent git group group_by hostname import_playbook
        import_role import_tasks include_role include_tasks include_vars iptables known_hosts
        lineinfile meta package package_facts pause ping pip raw reboot replace rpm_key script
        service service_facts set_fact set_stats setup shell slurp stat subversion systemd
        systemd_service sysvinit tempfile template unarchive uri user validate_argument_spec
        wait_for wait_for_connection yum yum_repository
    """,
    "ansible.posix": """
        acl at authorized_key firewalld mount patch seboolean selinux synchronize sysctl
    """,
    "community.crypto": """
        acme_certificate openssh_keypair openssl_csr openssl_dhparam openssl_privatekey
        x509_certificate
    """,
    "community.docker": """
        docker_compose_v2 docker_container docker_image docker_login docker_network
        docker_volume
    """,
    "community.general": """
        alternatives apache2_module archive capabilities composer cpanm filesystem flatpak
        gem github_release gitlab_project homebrew htpasswd ini_file jira kernel_blacklist
        ldap_entry locale_gen lvg lvol mail make modprobe nmcli npm opkg pacman pam_limits
        parted portage slack snap ssh_config supervisorctl telegram timezone ufw xattr xml
        zfs zypper
    """,
    "community.mysql": "mysql_db mysql_info mysql_query mysql_user",
    "community.postgresql": "postgresql_db postgresql_privs postgresql_query postgresql_user",
    "kubernetes.core": "helm k8s k8s_info k8s_scale",
}

# The keys of a task that hold more tasks, and those of a play that do.
BLOCK_KEYS = frozenset(["block", "rescue", "always"])
PLAY_TASK_KEYS = frozenset(["tasks", "pre_tasks", "post_tasks", "handlers"])

# What Ansible itself understands in a task; none of it names a module.
_TASK_WORDS = """
    action any_errors_fatal args async become become_exe become_flags become_method
    become_user changed_when check_mode collections connection debugger delay delegate_facts
    delegate_to diff environment failed_when ignore_errors ignore_unreachable listen
    local_action loop loop_control module_defaults name no_log notify poll port register
    remote_user retries run_once tags throttle timeout until vars when
"""
TASK_KEYWORDS = frozenset(_TASK_WORDS.split())


def default_mappings() -> dict[str, str]:
    """A new dictionary of every known short name and its fully qualified one.

    >>> default_mappings()["copy"]
    'ansible.builtin.copy'
    >>> default_mappings()["docker_container"]
    'community.docker.docker_container'
    """
    return {
        name: f"{collection}.{name}"
        for collection, names in COLLECTIONS.items()
        for name in names.split()
    }


def is_task_keyword(word: str) -> bool:
    """True for what stands in a task without naming its module.

    >>> [is_task_keyword(word) for word in ("when", "with_items", "rescue", "copy")]
    [True, True, True, False]
    """
    return word in TASK_KEYWORDS or word in BLOCK_KEYS or word.startswith("with_")
