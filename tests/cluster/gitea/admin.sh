# Gitea's administrator.
# shellcheck shell=bash

gitea_healthy() { in_node curl --silent --fail "$GITEA_URL/api/healthz"; }

# make_gitea_admin: writes the administrator and its token to the state folder.
make_gitea_admin() {
    local token
    token=$(in_node env HOME="$RUN/gitea/home" gitea admin user create --config "$RUN/gitea/app.ini" \
        --username tidegate --email tidegate@localhost --random-password --admin --access-token |
        sed -n 's/^Access token was successfully created\.* *//p')
    [ -n "$token" ] || fail "failed to create Gitea's administrator"
    cat >"$STATE/gitea.env" <<ENV
GITEA_URL=$GITEA_URL
GITEA_USER=tidegate
GITEA_TOKEN=$token
GITEA_CONFIG=$RUN/gitea/app.ini
GITEA_LOG=$LOGS/gitea.log
ENV
}
