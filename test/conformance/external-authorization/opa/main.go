// An authorization service as OPA's Envoy plug-in is one: Envoy's own Go API in front of OPA's engine. It reads a policy
// file, serves envoy.service.auth.v3.Authorization and takes data.envoy.authz.allow as the plug-in does: a boolean, or an
// object with allowed, headers, response_headers_to_add, request_headers_to_remove, http_status and body.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	envoytype "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/open-policy-agent/opa/v1/rego"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

type server struct {
	auth.UnimplementedAuthorizationServer
	query rego.PreparedEvalQuery
}

type decision struct {
	Allowed         bool              `json:"allowed"`
	Headers         map[string]string `json:"headers"`
	ResponseHeaders map[string]string `json:"response_headers_to_add"`
	Remove          []string          `json:"request_headers_to_remove"`
	Status          int32             `json:"http_status"`
	Body            string            `json:"body"`
}

func (s *server) Check(ctx context.Context, request *auth.CheckRequest) (*auth.CheckResponse, error) {
	input, err := inputOf(request)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	results, err := s.query.Eval(ctx, rego.EvalInput(input))
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	decided, err := decisionOf(results)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if decided.Allowed {
		return &auth.CheckResponse{
			Status: &rpcstatus.Status{Code: int32(codes.OK)},
			HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: &auth.OkHttpResponse{
				Headers:              headersOf(decided.Headers),
				HeadersToRemove:      decided.Remove,
				ResponseHeadersToAdd: headersOf(decided.ResponseHeaders),
			}},
		}, nil
	}
	return &auth.CheckResponse{
		Status: &rpcstatus.Status{Code: int32(codes.PermissionDenied)},
		HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: &auth.DeniedHttpResponse{
			Status:  &envoytype.HttpStatus{Code: envoytype.StatusCode(decided.Status)},
			Headers: headersOf(decided.Headers),
			Body:    decided.Body,
		}},
	}, nil
}

// The request in JSON, and its path in parts.
func inputOf(request *auth.CheckRequest) (map[string]any, error) {
	text, err := protojson.Marshal(request)
	if err != nil {
		return nil, err
	}
	var input map[string]any
	if err := json.Unmarshal(text, &input); err != nil {
		return nil, err
	}
	path, _, _ := strings.Cut(request.GetAttributes().GetRequest().GetHttp().GetPath(), "?")
	parts := []any{}
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		parts = append(parts, part)
	}
	input["parsed_path"] = parts
	return input, nil
}

func decisionOf(results rego.ResultSet) (decision, error) {
	if len(results) == 0 {
		return decision{}, fmt.Errorf("the policy decides nothing")
	}
	value := results[0].Expressions[0].Value
	if allowed, ok := value.(bool); ok {
		return decision{Allowed: allowed}, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return decision{}, err
	}
	var decided decision
	return decided, json.Unmarshal(text, &decided)
}

func headersOf(values map[string]string) []*core.HeaderValueOption {
	options := []*core.HeaderValueOption{}
	for key, value := range values {
		options = append(options, &core.HeaderValueOption{Header: &core.HeaderValue{Key: key, Value: value}})
	}
	return options
}

func main() {
	policy, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	query, err := rego.New(rego.Query("data.envoy.authz.allow"), rego.Module("policy.rego", string(policy))).
		PrepareForEval(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	grpcServer := grpc.NewServer()
	auth.RegisterAuthorizationServer(grpcServer, &server{query: query})
	log.Fatal(grpcServer.Serve(listener))
}
