# Prints how to install the things (a variable, separated by spaces) out of packages.txt:
# "apt-get install gcc libc6-dev (dnf: gcc glibc-devel; apk: ...)".
BEGIN { split(things, wanted, " ") }
/^#/ { next }
$1 == "thing" { for (i = 2; i <= NF; i++) manager[i] = $i; columns = NF; next }
{
    for (w in wanted)
        if ($1 == wanted[w])
            for (i = 2; i <= NF; i++)
                if ($i != "-")
                    names[i] = names[i] " " $i
}
END {
    printf "%s install%s (", manager[2], names[2]
    for (i = 3; i <= columns; i++)
        printf "%s%s:%s", (i > 3 ? "; " : ""), manager[i], names[i]
    print ")"
}
