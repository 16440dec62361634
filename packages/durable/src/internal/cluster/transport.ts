import * as NodeClusterHttp from "@effect/platform-node/NodeClusterHttp"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpRunner from "effect/cluster/HttpRunner"
import type { MessageStorage } from "effect/cluster/MessageStorage"
import type { RunnerHealth } from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { Sharding } from "effect/cluster/Sharding"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import type { SocketServerError } from "effect/socket/SocketServer"
import { layerPing } from "./health.ts"

/** How the processes of a cluster communicate. */
export type Transport = "socket" | "http"

/** This process as a runner of the cluster, and the health checks of the others. */
export const layerRunner = (
  transport: Transport
): Layer.Layer<
  Sharding | Runners.Runners | RunnerHealth,
  SocketServerError | ServeError,
  ShardingConfig | MessageStorage | RunnerStorage
> =>
  runnerOf(transport).pipe(
    Layer.provideMerge(
      layerPing.pipe(
        Layer.provide(Runners.layerRpc),
        Layer.provide(transport === "socket" ? NodeClusterSocket.layerClientProtocol : clientHttp)
      )
    ),
    Layer.provide(RpcSerialization.layerSchemaBinary())
  )

// ---- internal ----

const runnerOf = (
  transport: Transport
): Layer.Layer<
  Sharding | Runners.Runners,
  SocketServerError | ServeError,
  ShardingConfig | MessageStorage | RunnerStorage | RunnerHealth | RpcSerialization.RpcSerialization
> => (transport === "socket" ? runnerSocket : runnerHttp)

const runnerSocket = Layer.provide(SocketRunner.layer, [
  NodeClusterSocket.layerSocketServer,
  NodeClusterSocket.layerClientProtocol
])

const clientHttp = Layer.provide(HttpRunner.layerClientProtocolHttpDefault, NodeHttpClient.layerUndici)

// `HttpRunner.layerHttp` would log each request between runners.
const runnerHttp = HttpRouter.serve(HttpRunner.layerHttpOptions({ path: "/" }), { disableLogger: true }).pipe(
  Layer.provide([clientHttp, NodeClusterHttp.layerHttpServer])
)
