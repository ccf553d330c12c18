# Puts the runtimes of `runtime-versions` first in PATH. Read by the job's shell, which may be any POSIX shell, before the
# commands of INSTALL. `headworks_runtime NAME WANTED STRICT` is called for each; it says why in HEADWORKS_REFUSAL when it
# fails.

# Folders beside those of PATH: what version managers, packages and CodeBuild's own images use.
headworks_places() {
    case $1 in
    python) echo "${PYENV_ROOT:-$HOME/.pyenv}/versions/*/bin /root/.pyenv/versions/*/bin /opt/python*/bin /opt/python/*/bin /usr/local/python*/bin" ;;
    nodejs) echo "${NVM_DIR:-$HOME/.nvm}/versions/node/*/bin ${N_PREFIX:-/usr/local}/n/versions/node/*/bin $HOME/.n/n/versions/node/*/bin /opt/node*/bin /opt/nodejs/*/bin /usr/local/node*/bin" ;;
    java) echo "${JAVA_HOME:-/nowhere}/bin /usr/lib/jvm/*/bin /opt/java*/bin /opt/jdk*/bin /opt/java/*/bin $HOME/.sdkman/candidates/java/*/bin" ;;
    golang) echo "/usr/local/go*/bin /usr/local/go/*/bin /usr/lib/go-*/bin $HOME/.goenv/versions/*/bin /root/.goenv/versions/*/bin $HOME/sdk/go*/bin /opt/go*/bin" ;;
    ruby) echo "${RBENV_ROOT:-$HOME/.rbenv}/versions/*/bin /usr/local/rbenv/versions/*/bin /opt/ruby*/bin /opt/rubies/*/bin" ;;
    php) echo "$HOME/.phpenv/versions/*/bin /usr/local/phpenv/versions/*/bin /opt/php*/bin" ;;
    dotnet) echo "${DOTNET_ROOT:-$HOME/.dotnet} /root/.dotnet /usr/share/dotnet /usr/lib/dotnet /opt/dotnet" ;;
    erlang) echo "/opt/erlang*/bin /usr/local/erlang*/bin" ;;
    android) echo "${ANDROID_HOME:-/nowhere}/cmdline-tools/latest/bin ${ANDROID_HOME:-/nowhere}/tools/bin" ;;
    esac
}

# Program names; those that end in a version come last.
headworks_programs() {
    case $1 in
    python) echo "python3 python2 python python[23].[0-9] python[23].[0-9][0-9]" ;;
    nodejs) echo "node" ;;
    golang) echo "go" ;;
    php) echo "php php[5-9].[0-9]" ;;
    erlang) echo "erl" ;;
    android) echo "sdkmanager" ;;
    *) echo "$1" ;;
    esac
}

# Prints the versions that a program is, or has, a line each. Asking it is the last resort: starting takes time.
headworks_versions() {
    headworks_base=${2##*/}
    headworks_home=${2%/*}
    headworks_home=${headworks_home%/bin}
    case $headworks_base in
    *[0-9].[0-9]*) printf '%s\n' "${headworks_base##*[a-z]}" && return ;;
    esac
    case ${headworks_home##*/} in
    [0-9]*.[0-9]* | v[0-9]*.[0-9]*) headworks_text=${headworks_home##*/} ;;
    *) case $1 in
        golang) headworks_text=$(cat "$headworks_home/VERSION" 2>/dev/null || "$2" version 2>&1) ;;
        java) headworks_text=$(grep '^JAVA_VERSION=' "$headworks_home/release" 2>/dev/null || "$2" -version 2>&1) ;;
        dotnet) headworks_text=$("$2" --list-sdks 2>/dev/null) ;;
        erlang) headworks_text=$("$2" -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().' 2>&1) ;;
        *) headworks_text=$("$2" --version 2>&1) ;;
        esac || return 0 ;;
    esac
    # All lines of dotnet are versions. Java 8 and its elders call themselves 1.8.
    printf '%s\n' "$headworks_text" | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' |
        if [ "$1" = dotnet ]; then cat; else sed -n '1{s/^1\.\([5-8]\)\./\1./;s/\.$//;p;}'; fi
}

# Prints `version<TAB>program` for everything that is there, what PATH finds first.
headworks_found() (
    # Whatever the commands before have set: wildcards and word splitting are needed here.
    set +efu
    headworks_name=$1
    headworks_seen=:
    IFS=:
    set -- $PATH
    unset IFS
    for headworks_dir in "$@" $(headworks_places "$headworks_name"); do
        case $headworks_seen in *:"$headworks_dir":*) continue ;; esac
        headworks_seen=$headworks_seen$headworks_dir:
        for headworks_pattern in $(set -f; headworks_programs "$headworks_name"); do
            # A shim of that name is there for every version, also for those that are not switched on.
            case $headworks_dir/$headworks_pattern in */shims/*.*) continue ;; esac
            for headworks_program in "$headworks_dir"/$headworks_pattern; do
                [ -f "$headworks_program" ] && [ -x "$headworks_program" ] || continue
                headworks_versions "$headworks_name" "$headworks_program" </dev/null | while read -r headworks_version; do
                    printf '%s\t%s\n' "$headworks_version" "$headworks_program"
                done
            done
        done
    done
)

# Of such lines, the one with the highest version that fits; among equals the first.
headworks_choose() {
    awk -F '\t' -v wanted="$1" '
        BEGIN {
            wanted = tolower(wanted)
            sub(/^[a-z-]+/, "", wanted)
            sub(/(^|\.)[x*](\..*)?$/, "", wanted)
            parts = split(wanted, want, ".")
        }
        {
            count = split($1, have, ".")
            for (i = 1; i <= parts; i++) if (i > count || have[i] + 0 != want[i] + 0) next
            better = chosen == ""
            for (i = 1; !better && i <= 4; i++) {
                if (have[i] + 0 < best[i] + 0) next
                if (have[i] + 0 > best[i] + 0) better = 1
            }
            if (better) { chosen = $0; for (i = 1; i <= 4; i++) best[i] = have[i] }
        }
        END { if (chosen != "") print chosen; else exit 1 }'
}

# Makes the program, under the names that commands use, the first in PATH.
headworks_use() {
    headworks_bin=${2%/*}
    case $1 in
    java)
        JAVA_HOME=$(readlink -f "$2")
        JAVA_HOME=${JAVA_HOME%/bin/java}
        export JAVA_HOME
        ;;
    dotnet)
        DOTNET_ROOT=$headworks_bin
        export DOTNET_ROOT
        ;;
    esac
    headworks_links=
    case ${2##*/} in
    python[23].[0-9]*) headworks_links="python python3 pip pip3" ;;
    php[5-9].[0-9]) headworks_links="php" ;;
    python3) [ -x "$headworks_bin/python" ] || headworks_links="python" ;;
    esac
    # A folder that PATH has already would bring other tools forward with it.
    if [ "$(command -v "${2##*/}")" != "$2" ]; then
        case :$PATH: in
        *:"$headworks_bin":*) headworks_links="$headworks_links ${2##*/}" ;;
        *) PATH=$headworks_bin:$PATH ;;
        esac
    fi
    if [ -n "$headworks_links" ]; then
        headworks_dir=${TMPDIR:-/tmp}/headworks-runtimes/$1
        mkdir -p "$headworks_dir" || return
        for headworks_link in $(printf '%s' "$headworks_links"); do
            case $headworks_link in
            pip*) headworks_text="exec '$2' -m pip \"\$@\"" ;;
            *) headworks_text="exec '$2' \"\$@\"" ;;
            esac
            printf '#!/bin/sh\n%s\n' "$headworks_text" >|"$headworks_dir/$headworks_link"
            chmod 755 "$headworks_dir/$headworks_link"
        done
        case :$PATH: in *:"$headworks_dir":*) ;; *) PATH=$headworks_dir:$PATH ;; esac
    fi
    export PATH
}

headworks_runtime() {
    headworks_lines=$(headworks_found "$1")
    if headworks_line=$(printf '%s\n' "$headworks_lines" | headworks_choose "$2"); then
        headworks_version=${headworks_line%%	*}
        echo "Selecting '$1' runtime version '$headworks_version' based on manual selections..."
        headworks_use "$1" "${headworks_line#*	}"
        return
    fi
    if [ -n "$headworks_lines" ]; then
        headworks_list=$(printf '%s\n' "$headworks_lines" | cut -f 1 | sort -u -t . -k 1,1n -k 2,2n -k 3,3n | sed 's/$/,/' | tr '\n' ' ')
        HEADWORKS_REFUSAL="Unknown runtime version named '$2' of $1. This build environment has the following versions: ${headworks_list%, }"
    else
        HEADWORKS_REFUSAL="Unknown runtime named '$1'. There is no $1 in this build environment"
    fi
    if [ "$3" = strict ]; then
        return 1
    fi
    echo "$HEADWORKS_REFUSAL; the build goes on with what PATH has"
    HEADWORKS_REFUSAL=
}
