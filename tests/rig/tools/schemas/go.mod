module gke2eks.test/tools/schemas

go 1.26.0

require (
	github.com/aws/karpenter-provider-aws v1.14.0
	sigs.k8s.io/gateway-api v1.6.0
	sigs.k8s.io/kwok v0.8.0
)
