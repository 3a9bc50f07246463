#pragma once

#include "cli/command.h"

// One function a command, each in the file of that name; the table is in commands.cpp.
namespace starling::cli {

Action declare_bench(Options& options);
Action declare_devnet(Options& options);
Action declare_evaluate(Options& options);
Action declare_generate(Options& options);
Action declare_job_cancel(Options& options);
Action declare_job_list(Options& options);
Action declare_job_logs(Options& options);
Action declare_job_show(Options& options);
Action declare_job_submit(Options& options);
Action declare_job_wait(Options& options);
Action declare_key_create(Options& options);
Action declare_key_list(Options& options);
Action declare_key_set(Options& options);
Action declare_key_revoke(Options& options);
Action declare_ledger_block(Options& options);
Action declare_ledger_export(Options& options);
Action declare_ledger_import(Options& options);
Action declare_ledger_query(Options& options);
Action declare_ledger_tx(Options& options);
Action declare_model_info(Options& options);
Action declare_model_list(Options& options);
Action declare_model_quantize(Options& options);
Action declare_model_random(Options& options);
Action declare_node(Options& options);
Action declare_provider_status(Options& options);
Action declare_serve(Options& options);
Action declare_verify(Options& options);
Action declare_train_transformer(Options& options);
Action declare_train_vae(Options& options);
Action declare_version(Options& options);
Action declare_wallet_balance(Options& options);
Action declare_wallet_export(Options& options);
Action declare_wallet_history(Options& options);
Action declare_wallet_import(Options& options);
Action declare_wallet_list(Options& options);
Action declare_wallet_new(Options& options);
Action declare_wallet_send(Options& options);
Action declare_world(Options& options);

}  // namespace starling::cli
