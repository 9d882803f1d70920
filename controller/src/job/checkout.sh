#!/bin/sh
# Checks out what a run tests: a pushed commit, or the base with pull requests merged into it, each by its SHA.
#
# All input comes by environment:
#   TIDEGATE_CLONE_URL       where to fetch from
#   TIDEGATE_BASE_REF        refs/heads/... or refs/tags/...
#   TIDEGATE_BASE_SHA        the commit to check out, or to merge into
#   TIDEGATE_HEADS           what to merge: a line "number sha ref url" for each pull request. The ref holds the head; it is missing
#                            where the host keeps no such refs. The URL is that of the fork which alone holds it
#   TIDEGATE_HISTORY_MIB     how many MiB are fetched so that the clone is whole; where it is larger, only what is tested is
#   TIDEGATE_CREDENTIAL_FILE a file that holds a token; without it the fetch is anonymous
#   TIDEGATE_GIT_USER        the user that the host expects with the token
#   TIDEGATE_RESULT_*        the files to write the results to
#
# Results: outcome (merged, conflict, superseded, unreadable, error), detail (why, for people), commit and tree.
# The exit code is 0 when the outcome is merged. Needs a POSIX shell and git 2.31.
set -eu
export LC_ALL=C
# A job may run as any user: what is checked out belongs to the pod's group.
umask 002

# shorten BYTES: what comes in, without control characters and cut to so many bytes, in whole characters.
shorten() {
    text=$(tr -d '\000-\037\177') end=$1
    if [ "$(printf '%s' "$text" | wc -c)" -gt "$end" ]; then
        # In UTF-8 the bytes 200 to 277 continue a character; there are at most three of them.
        for _ in 1 2 3; do
            test -z "$(printf '%s' "$text" | tail -c "+$((end + 1))" | head -c 1 | tr -d '\200-\277')" || break
            end=$((end - 1))
        done
    fi
    printf '%s' "$text" | head -c "$end"
}

finish() {
    printf '%s' "$1" >"$TIDEGATE_RESULT_OUTCOME"
    # All results of the step together have 4096 bytes, and JSON makes up to six of one.
    printf '%s' "$2" | shorten 600 >"$TIDEGATE_RESULT_DETAIL"
    echo "tidegate: $1: $2" >&2
    exit 1
}
trap 'test -s "$TIDEGATE_RESULT_OUTCOME" || finish error "the checkout broke off"' EXIT

# Settings live in the environment of this script alone: nothing of them is left in .git/config.
count=0
setting() {
    export "GIT_CONFIG_KEY_$count=$1" "GIT_CONFIG_VALUE_$count=$2"
    count=$((count + 1))
    export "GIT_CONFIG_COUNT=$count"
}
unset GIT_ASKPASS SSH_ASKPASS
export GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1
# No redirect and no submodule leads to another protocol than the clone URL's own.
export GIT_ALLOW_PROTOCOL="${TIDEGATE_CLONE_URL%%:*}"
setting safe.directory '*'
setting core.hooksPath /dev/null
setting gc.auto 0
setting maintenance.auto false
# All objects of a fetch are in one file, so that one limit holds for them.
setting fetch.unpackLimit 1
setting fetch.recurseSubmodules false
# A renamed repository answers its first request with a redirect; later ones have no reason to.
setting http.followRedirects initial
# A host that packs sends a byte a second, which counts as none: so it has this time to pack, and to say anything at all.
setting http.lowSpeedLimit 1
setting http.lowSpeedTime 300
setting core.quotePath false
setting credential.helper ''
if [ -r "${TIDEGATE_CREDENTIAL_FILE:-}" ]; then
    # Bound to host and path: no redirect makes git show the token to anybody else. The token is read by the shell
    # itself, so it stands in no argument list.
    setting credential.useHttpPath true
    while read -r _ _ _ url; do
        # A fork is on the same site.
        setting "credential.${url:-$TIDEGATE_CLONE_URL}.helper" \
            '!f() { test "$1" = get && printf "username=%s\npassword=%s\n" "$TIDEGATE_GIT_USER" "$(cat "$TIDEGATE_CREDENTIAL_FILE")"; }; f'
    done <<URLS

$TIDEGATE_HEADS
URLS
fi

format=sha1
test "${#TIDEGATE_BASE_SHA}" -eq 40 || format=sha256
git init --quiet --template= --initial-branch=tidegate --object-format="$format" .
git remote add origin "$TIDEGATE_CLONE_URL"
log=.git/tidegate.log

refused='Authentication failed|could not read (Username|Password)|returned error: 40[134]|not found|does not appear to be a git'
missing='not our ref|find remote ref|unadvertised object'
lost='^(fatal|error): .*(unable to access|could not fetch|unable to read|RPC failed|early EOF|hung up|disconnect)'

# First everything is fetched: then git needs the host no more, neither here nor in the job, which has no credential.
from=origin
how=''
# In blocks of 512 bytes, which are what `ulimit` and `find` count.
limit=$((TIDEGATE_HISTORY_MIB * 2048))

# Whether the last fetch was ended by the limit: then what it wrote is as long as that.
is_over_limit() {
    test "$limit" != unlimited && test -n "$(find .git/objects -type f -name 'tmp_*' -size "+$((limit - 1))")"
}

# try REFSPEC...: fetches, with the tags that lead to what is fetched. A fault that may pass is tried again twice.
try() {
    pauses='1 4'
    # $how is a list of options on purpose, like $pauses. Every sh that images have knows ulimit -c.
    # shellcheck disable=SC2086,SC3045
    until (ulimit -c 0; ulimit -f "$limit"; exec git fetch --quiet --no-write-fetch-head $how "$from" "$@") 2>"$log"; do
        cat "$log" >&2
        is_over_limit && is_over=yes || is_over=''
        # What git leaves of a fetch that was ended.
        find .git/objects -type f -name 'tmp_*' -exec rm -f {} +
        if [ -n "$is_over" ]; then
            echo "tidegate: more than $TIDEGATE_HISTORY_MIB MiB: fetching $how_large instead of everything" >&2
            how=$how_large limit=unlimited
            continue
        fi
        if [ -z "$pauses" ] || grep -qE "$missing|$refused" "$log"; then
            return 1
        fi
        sleep "${pauses%% *}"
        case $pauses in *' '*) pauses=${pauses#* } ;; *) pauses='' ;; esac
    done
}

# Runs git with these arguments, which fetches by itself the files that are missing, and doesn't try again.
attempt() {
    for pause in 1 4 ''; do
        if git "$@" >"$log" 2>&1; then
            return 0
        fi
        cat "$log" >&2
        if [ -z "$pause" ] || ! grep -qE "$lost" "$log"; then
            return 1
        fi
        sleep "$pause"
        git reset --quiet --hard 2>/dev/null || true
    done
}

# get SHA REF NAME: a commit by its SHA or, where the host serves no bare SHAs, by the ref that holds it, as
# refs/tidegate/NAME. Fails when the host has it no more, or there is no such ref.
get() {
    if try "$1:refs/tidegate/$3"; then
        return 0
    fi
    grep -qE "$missing" "$log" || give_up
    test -n "$2" || return 1
    # Without bare SHAs no file could be fetched later.
    how=--no-filter limit=unlimited
    if ! try "+$2:refs/tidegate/$3"; then
        grep -qE "$missing" "$log" || give_up
        return 1
    fi
    # Git writes no ref to a commit that it doesn't have.
    git update-ref "refs/tidegate/$3" "$1"
}

# Why the last fetch failed: what the host says itself, else the first fault that git names. Git's last words are often no
# more than a consequence, like "bad pack header".
reason() {
    # The host's words may hold control characters and zero bytes, which grep takes for a binary file.
    words=$(tr -d '\000-\011\013-\037\177' <"$log")
    said=$(printf '%s\n' "$words" | sed -n 's/^remote: *//p' |
        grep -vE '^ *$|^(Enumerating|Counting|Compressing|Total) ' | head -n 3 | tr -s '\n ' ' ' | sed 's/ $//')
    if [ -n "$said" ]; then
        printf 'the host says: %s' "$said"
        return
    fi
    fault=$(printf '%s\n' "$words" | grep -E '^(fatal|error): ' | head -n 1)
    printf '%s' "${fault:-$(printf '%s\n' "$words" | tail -n 1)}"
}

give_up() {
    if grep -qE "$refused" "$log"; then
        if [ -r "${TIDEGATE_CREDENTIAL_FILE:-}" ]; then
            finish unreadable "the repository can't be read with git.cloneSecretRef: $(reason)"
        fi
        finish unreadable "the repository can't be read anonymously; a private one needs git.cloneSecretRef: $(reason)"
    fi
    finish error "git fetch failed: $(reason)"
}

if [ -z "$TIDEGATE_HEADS" ]; then
    # Nothing is merged, so no history is needed.
    how_large=--depth=1
    get "$TIDEGATE_BASE_SHA" "$TIDEGATE_BASE_REF" base ||
        finish superseded "$TIDEGATE_BASE_REF holds $TIDEGATE_BASE_SHA no more"
    attempt checkout --quiet --force --detach refs/tidegate/base || finish error "git checkout failed: $(reason)"
else
    # A merge needs the whole history, but not every file of it; hosts that don't filter send all.
    how_large=--filter=blob:none
    set -- "$TIDEGATE_BASE_SHA:refs/tidegate/base"
    while read -r number sha _ url; do
        test -n "$url" || set -- "$@" "$sha:refs/tidegate/pull-$number"
    done <<HEADS
$TIDEGATE_HEADS
HEADS
    if ! try "$@"; then
        grep -qE "$missing" "$log" || give_up
        get "$TIDEGATE_BASE_SHA" "$TIDEGATE_BASE_REF" base ||
            finish error "$TIDEGATE_BASE_REF holds $TIDEGATE_BASE_SHA no more"
        while read -r number sha ref url <&3; do
            test -z "$url" || continue
            get "$sha" "$ref" "pull-$number" ||
                finish superseded "#$number holds $sha no more"
        done 3<<HEADS
$TIDEGATE_HEADS
HEADS
    fi
    while read -r number sha ref url <&3; do
        test -n "$url" || continue
        from=pull-$number
        git remote add "$from" "$url"
        get "$sha" "$ref" "pull-$number" || finish superseded "#$number holds $sha no more"
    done 3<<HEADS
$TIDEGATE_HEADS
HEADS
    attempt checkout --quiet --force --detach refs/tidegate/base || finish error "git checkout failed: $(reason)"
    # Author, committer and dates are fixed, so that every task of a run builds the same commit.
    GIT_COMMITTER_DATE="$(git show -s --format=%ct HEAD) +0000"
    GIT_AUTHOR_DATE=$GIT_COMMITTER_DATE
    export GIT_COMMITTER_DATE GIT_AUTHOR_DATE
    export GIT_AUTHOR_NAME=Tidegate GIT_AUTHOR_EMAIL=tidegate@localhost
    export GIT_COMMITTER_NAME=Tidegate GIT_COMMITTER_EMAIL=tidegate@localhost
    while read -r number sha _ <&3; do
        if attempt merge --quiet --no-ff --no-gpg-sign -m "Merge #$number ($sha) into $TIDEGATE_BASE_REF" "$sha"; then
            continue
        fi
        files=
        while IFS= read -r name; do
            files=$files${files:+, }$(printf '%s' "$name" | shorten 120)
        done <<FILES
$(git diff --name-only --diff-filter=U | head -n 8)
FILES
        test -z "$files" || finish conflict "conflict in $files"
        grep -q 'unrelated histories' "$log" && finish conflict "#$number and the base have no common history"
        finish error "git merge failed: $(reason)"
    done 3<<HEADS
$TIDEGATE_HEADS
HEADS
fi

rm -f "$log"
case $TIDEGATE_BASE_REF in
    refs/heads/*) git update-ref "refs/remotes/origin/${TIDEGATE_BASE_REF#refs/heads/}" refs/tidegate/base ;;
esac
# The job may be another user than this step, which git doesn't trust.
git config --file .git/tidegate.gitconfig safe.directory "$(pwd)"
printf '[include]\n\tpath = /etc/gitconfig\n\tpath = /usr/local/etc/gitconfig\n' >>.git/tidegate.gitconfig
commit=$(git rev-parse HEAD)
printf '%s' "$commit" >"$TIDEGATE_RESULT_COMMIT"
tree=$(git rev-parse 'HEAD^{tree}')
printf '%s' "$tree" >"$TIDEGATE_RESULT_TREE"
printf merged >"$TIDEGATE_RESULT_OUTCOME"
echo "tidegate: checked out $commit"
