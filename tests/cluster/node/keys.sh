# The certificates and kubeconfigs of one cluster, which live as long as it does.
# shellcheck shell=bash

# make_keys: one authority signs for all.
make_keys() {
    local names user
    mkdir -p "$KEYS"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj /CN=tidegate-cluster \
        -keyout "$KEYS/ca.key" -out "$KEYS/ca.crt" 2>/dev/null
    openssl ecparam -name prime256v1 -genkey -noout -out "$KEYS/service-account.key"
    openssl ec -in "$KEYS/service-account.key" -pubout -out "$KEYS/service-account.pub" 2>/dev/null

    names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:$API_SERVICE_IP,IP:$NODE_IP
    make_certificate apiserver /CN=kube-apiserver "$names"
    make_certificate kubelet-client /O=system:masters/CN=apiserver-kubelet-client
    make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$NODE_IP"
    make_certificate admin /O=system:masters/CN=admin
    make_certificate controller-manager /CN=system:kube-controller-manager
    make_certificate scheduler /CN=system:kube-scheduler
    make_certificate proxy /CN=system:kube-proxy
    for user in kubelet admin controller-manager scheduler proxy; do
        make_kubeconfig "$user"
    done
}

# make_certificate NAME SUBJECT [NAMES]: NAMES are the server's.
make_certificate() {
    openssl req -x509 -CA "$KEYS/ca.crt" -CAkey "$KEYS/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
        -days 30 -subj "$2" -addext basicConstraints=critical,CA:FALSE -addext keyUsage=digitalSignature \
        -addext extendedKeyUsage=serverAuth,clientAuth ${3:+-addext "subjectAltName=$3"} \
        -keyout "$KEYS/$1.key" -out "$KEYS/$1.crt" 2>/dev/null
}

make_kubeconfig() {
    cat >"$KEYS/$1.kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters:
- name: tidegate
  cluster: {server: "https://$NODE_IP:6443", certificate-authority: "$KEYS/ca.crt"}
users:
- name: $1
  user: {client-certificate: "$KEYS/$1.crt", client-key: "$KEYS/$1.key"}
contexts:
- name: tidegate
  context: {cluster: tidegate, user: $1}
current-context: tidegate
CONFIG
}
