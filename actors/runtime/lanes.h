/* SPDX-License-Identifier: MIT
 *
 * The names of all lanes and cells. Downstream: gateway -> journal; gateway -> shards -> exposure; gateway -> exposure
 * -> scorer -> router -> delivery (a cell: how far alerts are stored). Back: journal -> gateway, router, indexer
 * (cells: watermarks). Catch-up answers: catchup -> router. Snapshots: all that keep a state -> keeper, one lane for
 * all of them; back: keeper -> gateway (a cell: what it wants next; a lane: what people do to alerts).
 */
#ifndef TW_RUNTIME_LANES_H
#define TW_RUNTIME_LANES_H

#define TW_LANE_JOURNAL "lane.gateway.journal"
#define TW_LANE_SHARD_FORMAT "lane.gateway.shard.%u"
#define TW_LANE_EXPOSURE "lane.gateway.exposure"
#define TW_LANE_ANSWER_FORMAT "lane.shard.exposure.%u"
#define TW_LANE_SCORER "lane.exposure.scorer"
#define TW_LANE_ROUTER "lane.scorer.router"
#define TW_LANE_CATCHUP "lane.catchup.router"
#define TW_LANE_KEEPER "lane.keeper"
#define TW_LANE_ACTIONS "lane.keeper.gateway.actions"

#define TW_CELL_WATERMARK_GATEWAY "cell.journal.gateway"
#define TW_CELL_WATERMARK_ROUTER "cell.journal.router"
#define TW_CELL_WATERMARK_INDEXER "cell.journal.indexer"
#define TW_CELL_STORED_DELIVERY "cell.router.delivery"
#define TW_CELL_KEEPER_GATEWAY "cell.keeper.gateway"

#define TW_LANE_NAME_BYTES 48

#endif
