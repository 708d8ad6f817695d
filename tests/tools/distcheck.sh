#!/bin/sh
# distcheck.sh DISTDIR MAKE CONFIGURE-ARGUMENTS...: unpacks DISTDIR.tar.gz, builds out of tree from
# a read-only source tree, checks, installs into a private prefix, tests what was installed,
# uninstalls it, and makes the distribution again from there.
set -eu
dist=$1
make=$2
shift 2
top=$(pwd)/distcheck
tarball=$(pwd)/$dist.tar.gz

fail()
{
    echo "distcheck: $*" >&2
    exit 1
}

# Name, size and content of every file below a folder.
listing()
{
    (cd "$1" && find . -name __pycache__ -prune -o -type f -exec cksum {} + | sort -k 3)
}

remove()
{
    if [ -d "$top" ]; then
        chmod -R u+w "$top"
        rm -rf "$top"
    fi
}

# Installs with another prefix than configure's, and tests that while nothing of the source tree and of the
# build is to be found; as nobody, where root runs this.
without_sources()
{
    away=$(mktemp -d "${TMPDIR:-/tmp}/rowlock-installed.XXXXXX")
    chmod 755 "$away"
    $make install prefix="$away/prefix"
    cp "$top/$dist/tests/tools/installcheck.sh" "$away"
    version=$("$away/prefix/bin/rowlock" --version | sed 's/^[^ ]* //')
    mv "$top/$dist" "$top/hidden-source"
    mv "$top/build" "$top/hidden-build"
    status=0
    (cd / && sh "$away/installcheck.sh" "$away/prefix/bin/rowlock" "$python" "$version") || status=$?
    mv "$top/hidden-source" "$top/$dist"
    mv "$top/hidden-build" "$top/build"
    rm -rf "$away"
    [ "$status" = 0 ] || fail 'the installed program does not work without the source tree'
}

python=python3
for word; do
    case $word in
    --with-python=*) python=${word#*=} ;;
    esac
done

remove
mkdir "$top"
cd "$top"
tar xzf "$tarball"
chmod -R a-w "$dist"
# Root may write where nobody may: so see to it that nothing did.
listing "$dist" >before
mkdir build
cd build
"../$dist/configure" --prefix="$top/prefix" "$@"
# shellcheck disable=SC2086 # MAKE may hold arguments
{
    $make all
    $make "${DISTCHECK_CHECK:-check}"
    $make install
    $make installcheck
    $make uninstall
    left=$(find "$top/prefix" ! -type d -print -o -name 'rowlock*' -print)
    [ -z "$left" ] || fail "left behind by make uninstall: $left"
    $make install DESTDIR="$top/dest"
    [ -x "$top/dest$top/prefix/bin/rowlock" ] || fail 'make install does not honour DESTDIR'
    [ -z "$(find "$top/prefix" ! -type d -print)" ] || fail 'make install wrote outside of DESTDIR'
    $make installcheck DESTDIR="$top/dest"
    $make uninstall DESTDIR="$top/dest"
    without_sources
    $make dist
    tar tzf "$dist.tar.gz" | sort >"$top/again"
    tar tzf "$tarball" | sort >"$top/first"
    cmp "$top/first" "$top/again" || fail 'a distribution made from the distribution differs'
    $make distclean
}
left=$(find . -type f -print)
[ -z "$left" ] || fail "left behind by make distclean: $left"
cd "$top"
listing "$dist" >after
cmp before after || fail 'the build wrote into the source tree'
cd ..
remove
echo "distcheck: $dist.tar.gz is ready for distribution"
